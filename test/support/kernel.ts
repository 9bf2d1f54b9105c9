/** The private binfmt_misc that test/run mounts in a user namespace for the tests in test/kernel. */
import fs from 'node:fs';
import { row } from './architectures.js';

export const MOUNT = '/proc/sys/fs/binfmt_misc';

/** Names are bytes, and need not be UTF-8: here each byte is a character. */
const fileOf = (name: string) => Buffer.from(`${MOUNT}/${name}`, 'latin1');

export function entryNames(): string[] {
  return fs
    .readdirSync(MOUNT, 'latin1')
    .filter((name) => name !== 'register' && name !== 'status')
    .sort();
}

export function entryText(name: string): string {
  return fs.readFileSync(fileOf(name), 'utf8');
}

/** Writes to an entry, or to `register`, in one write(2). */
export function writeEntry(name: string, text: string): void {
  const fd = fs.openSync(fileOf(name), fs.constants.O_WRONLY);
  try {
    fs.writeSync(fd, Buffer.from(text, 'latin1'));
  } finally {
    fs.closeSync(fd);
  }
}

export function clearEntries(): void {
  if (fs.existsSync(`${MOUNT}/status`)) writeEntry('status', '1'); // also after a test that failed
  for (const name of entryNames()) writeEntry(name, '-1');
}

/** Registers as another tool would: magic and mask of an architecture under any name. */
export function registerForeign(name: string, architecture: string, interpreter: string, flags: string): void {
  const { magic, mask } = row(architecture);
  const hex = (text: string) => text.replace(/../g, '\\x$&');
  writeEntry('register', `:${name}:M::${hex(magic)}:${hex(mask)}:${interpreter}:${flags}`);
}
