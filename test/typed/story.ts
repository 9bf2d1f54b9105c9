/** The console blocks of the documentation: what they say that people type and see, and on which machine. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { resultsOf, scriptOf } from '../support/console.js';
import { type Ended, ROOT } from '../support/program.js';

/** The machine of stories that need a Kubernetes. */
export const CLUSTER = 'a cluster of one node that has not mounted binfmt_misc';

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

/** Types the commands one after the other in one shell, and compares what is printed with what the page says. */
export function expectPrinted(commands: readonly Command[], run: (script: string) => Ended): void {
  const named = Object.fromEntries(commands.map(({ typed }, i) => [`${i}`, typed]));
  const { stdout, stderr } = run(scriptOf(named));
  const done = resultsOf(Object.keys(named), stdout + stderr);
  for (const [i, { typed, printed }] of commands.entries()) {
    expect(comparable(done[`${i}`]?.output ?? ''), typed).to.equal(comparable(printed));
  }
}

/** A text without what differs from machine to machine, and from day to day. */
function comparable(text: string): string {
  return (
    text
      // Compose moves its cursor.
      .replaceAll('\u001b[2K', '')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/(QEMU |qemu\/|node\/)\d+(\.\d+)+/g, '$1VERSION')
      .replaceAll(/\(\w+\) qemu/g, '(REVISION) qemu')
      // kubectl, while it waits.
      .replaceAll(/^Waiting for daemon set .*\n/gm, '')
      // Newer versions of kubectl name the namespace of what they delete.
      .replaceAll(/ deleted from \w+ namespace$/gm, ' deleted')
      // What the processor runs by itself.
      .replaceAll(/^ *"linux\/(amd64(\/v\d)?|386)",?\n/gm, '')
      .replaceAll(/ +/g, ' ')
      .trim()
  );
}
