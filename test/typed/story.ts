/** The console blocks of the documentation: what they say that people type and see, and on which machine. */
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from '../support/program.js';

export interface Command {
  readonly typed: string;
  /** What the page says that it prints, on both streams. */
  readonly printed: string;
}

/** Blocks that follow each other on the same machine. */
export interface Story {
  readonly page: string;
  /** As the comment before the first block says, for example `a host that has mounted binfmt_misc`. */
  readonly machine: string;
  readonly commands: readonly Command[];
}

const BLOCK = /<!-- console: (.*) -->|```console\n([\s\S]*?)```/g;

export function storiesOf(page: string): Story[] {
  const stories: { page: string; machine: string; commands: Command[] }[] = [];
  for (const [, machine, block] of fs.readFileSync(path.join(ROOT, page), 'utf8').matchAll(BLOCK)) {
    if (machine !== undefined) stories.push({ page, machine, commands: [] });
    if (block === undefined) continue;
    const story = stories.at(-1);
    if (story === undefined) throw new Error(`${page}: no comment says on which machine this runs:\n${block}`);
    story.commands.push(...commandsIn(block));
  }
  return stories;
}

function commandsIn(block: string): Command[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [typed = '', ...printed] = text.split('\n');
      return { typed, printed: printed.join('\n') };
    });
}

/** A text without what differs from machine to machine, and from day to day. */
export function comparable(text: string): string {
  return (
    text
      // Compose moves its cursor.
      .replaceAll('\u001b[2K', '')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/(QEMU |qemu\/|node\/)\d+(\.\d+)+/g, '$1VERSION')
      .replaceAll(/\(\w+\) qemu/g, '(REVISION) qemu')
      // What the processor runs by itself.
      .replaceAll(/^ *"linux\/(amd64(\/v\d)?|386)",?\n/gm, '')
      .replaceAll(/ +/g, ' ')
      .trim()
  );
}
