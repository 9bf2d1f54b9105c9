/** How this program is called again, in commands that are to be pasted. */

/** An image by its name, or a file by its path. */
export interface Program {
  readonly kind: 'image' | 'file';
  readonly name: string;
  /** `NAME=VALUE` that a file needs; sudo(8) hands on none by itself. */
  readonly environment?: readonly string[];
}

/** With all rights. `options`: further ones of docker run. */
export function callPrivileged(program: Program, args: string, options: readonly string[] = []): string {
  const { kind, name } = program;
  if (kind === 'file') return `sudo ${call(program, args)}`;
  return ['docker run --privileged', ...options, '--rm', name, args].join(' ');
}

/** As the user who reads it. */
export function call({ kind, name, environment = [] }: Program, args: string): string {
  return kind === 'file'
    ? [...environment, name].map(quoted).join(' ').concat(` ${args}`)
    : `docker run --rm ${name} ${args}`;
}

/** As a service that stays. `options`: further ones of docker run. */
export function callAsService(program: Program, args: string, options: readonly string[] = []): string {
  const { kind, name } = program;
  if (kind === 'file') return callPrivileged(program, args);
  return ['docker run --detach --restart always --privileged', ...options, name, args].join(' ');
}

/** One word for a shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
