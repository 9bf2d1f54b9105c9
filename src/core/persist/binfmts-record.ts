/** The database of binfmt-support: a record for each entry. Source: its src/format.c and src/update-binfmts.c. */
import { escapedBytes, type Registration } from '../binfmt/entry.js';

/** update-binfmts reads every file in it, and does nothing at all if one is not complete. */
export const DATABASE = 'var/lib/binfmts';

export const recordOf = (name: string) => `${DATABASE}/${name}`;

/** Values without names, a line each. A colon is the package of the administrator. */
export function databaseRecord({ interpreter, magic, mask, flags }: Registration): string {
  const has = (letter: string) => (flags.includes(letter) ? 'yes' : '');
  const detector = '';
  const values = [':', 'magic', '0', escapedBytes(magic), escapedBytes(mask), interpreter, detector];
  return [...values, has('C'), has('P'), has('F')].map((value) => `${value}\n`).join('');
}

/** The line that update-binfmts would register for a record; undefined if it is no record. */
export function lineOfRecord(name: string, record: string): string | undefined {
  const [, type, offset = '', magic = '', mask = '', interpreter, detector, ...flags] = record.split('\n');
  if (type !== 'magic' || !interpreter) return undefined;
  const [credentials, preserve, fixed] = flags.map((value) => value.trim() === 'yes');
  const letters = `${credentials ? 'C' : ''}${preserve ? 'P' : ''}${fixed ? 'F' : ''}`;
  return `:${name}:M:${offset}:${magic}:${mask}:${detector ? RUN_DETECTORS : interpreter}:${letters}`;
}

export function interpreterOfRecord(record: string): string | undefined {
  return record.split('\n')[5];
}

const RUN_DETECTORS = '/usr/lib/binfmt-support/run-detectors';
