/** How this program is called again, in commands that are to be pasted. */

/** An image by its name, or a file by its path. */
export interface Program {
  readonly kind: 'image' | 'file';
  readonly name: string;
}

/** With all rights. `options`: further ones of docker run. */
export function callPrivileged({ kind, name }: Program, args: string, options: readonly string[] = []): string {
  if (kind === 'file') return `sudo ${quoted(name)} ${args}`;
  return ['docker run --privileged', ...options, '--rm', name, args].join(' ');
}

/** As the user who reads it. */
export function call({ kind, name }: Program, args: string): string {
  return kind === 'file' ? `${quoted(name)} ${args}` : `docker run --rm ${name} ${args}`;
}

/** As a service that stays. */
export function callAsService({ kind, name }: Program, args: string): string {
  if (kind === 'file') return `sudo ${quoted(name)} ${args}`;
  return `docker run --detach --restart always --privileged ${name} ${args}`;
}

/** One word for a shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
