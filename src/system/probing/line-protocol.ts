/** Requests and answers of the launcher, a line each, over two pipes. */
import fs from 'node:fs';

/**
 * `request` sends requests at once and resolves to the given number of answer lines; `readTo` resolves to all lines before
 * that one. They read only while they wait for an answer, because a pending read would keep binfmt alive.
 */
export function lineProtocol(from: number, to: number) {
  const chunk = Buffer.alloc(1 << 16);
  const lines: string[] = [];
  let rest = '';
  let last: Promise<unknown> = Promise.resolve();
  const receive = async (count: number) => {
    while (lines.length < count) {
      const parts = (rest + (await read(from, chunk))).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    }
    return lines.splice(0, count);
  };
  const inTurn = (receiving: () => Promise<string[]>): Promise<string[]> => {
    const answers = last.then(receiving);
    last = answers.catch(() => {});
    return answers;
  };
  return {
    request(requests: readonly string[][], count: number): Promise<string[]> {
      fs.writeSync(to, requests.map(formatRequest).join(''));
      return inTurn(() => receive(count));
    },
    readTo: (end: string): Promise<string[]> =>
      inTurn(async () => {
        const before: string[] = [];
        for (;;) {
          const [line = ''] = await receive(1);
          if (line === end) return before;
          before.push(line);
        }
      }),
  };
}

function read(from: number, chunk: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    fs.read(from, chunk, 0, chunk.length, null, (error, size) => {
      if (error || size === 0) reject(error ?? new Error('the launcher ended'));
      else resolve(chunk.toString('latin1', 0, size));
    });
  });
}

function formatRequest(fields: readonly string[]): string {
  const line = fields.join('\t');
  if (line.includes('\n') || line.split('\t').length !== fields.length) {
    throw new Error(`${JSON.stringify(line)} has a tab or a line break where none may be`);
  }
  return `${line}\n`;
}
