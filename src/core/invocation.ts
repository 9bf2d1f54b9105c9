/** How binfmt was called, so that commands to paste are right for whoever called it. */
import { printable } from './text.js';

export interface Invocation {
  /** An image that a container engine runs, or a file on this machine. */
  readonly kind: 'image' | 'file';
  /** The image's name, or the file's path. */
  readonly name: string;
  /** `NAME=VALUE` that it needs: sudo(8) and docker run pass nothing on by themselves. */
  readonly environment: readonly string[];
  /** The words of this call. */
  readonly args: readonly string[];
  /** It works in the namespace of a rootless engine, and no call of it needs root. The option, as it was given. */
  readonly rootless?: string;
  /** `linux/amd64`: the image is for another platform than the processor's, and must be chosen by name. */
  readonly platform?: string;
  /** BINFMT_DEBUG is set: it shows where an unexpected error happened. */
  readonly debug?: boolean;
}

/** The image with all rights, or the file as root. `options`: further ones of docker run. */
export function callPrivileged(
  invocation: Invocation,
  args: readonly string[],
  options: readonly string[] = [],
): string {
  if (invocation.rootless !== undefined) return call(invocation, withOption(invocation.rootless, args));
  if (invocation.kind === 'file') return `sudo ${call(invocation, args)}`;
  return dockerRun(invocation, ['--privileged', ...options, ...hostOptions(invocation), '--rm'], args);
}

/** A command has to stay the first word. */
function withOption(option: string, args: readonly string[]): string[] {
  if (args.includes(option)) return [...args];
  const [first = '', ...rest] = args;
  return first.startsWith('-') ? [option, ...args] : [first, option, ...rest];
}

/** With no more rights than the reader has. `options`: further ones of docker run. */
export function call(invocation: Invocation, args: readonly string[], options: readonly string[] = []): string {
  if (invocation.kind === 'file') return words([...invocation.environment, invocation.name, ...args]);
  return dockerRun(invocation, [...options, ...hostOptions(invocation), '--rm'], args);
}

/** As a service that stays. */
export function callAsService(invocation: Invocation, args: readonly string[]): string {
  if (invocation.kind === 'file') return callPrivileged(invocation, args);
  const options = ['--detach', '--restart', 'always', '--privileged', ...hostOptions(invocation)];
  return dockerRun(invocation, options, args);
}

function dockerRun({ name, environment }: Invocation, options: readonly string[], args: readonly string[]): string {
  const variables = environment.flatMap((variable) => ['-e', variable]);
  return words(['docker', 'run', ...options, ...variables, name, ...args]);
}

function hostOptions({ platform }: Invocation): string[] {
  return platform === undefined ? [] : ['--platform', platform];
}

/** Words as a POSIX shell reads them. */
export function words(each: readonly string[]): string {
  return each.map(quoted).join(' ');
}

/** One word for a POSIX shell. */
export function quoted(word: string): string {
  const escaped = printable(word);
  // Bash, and POSIX since 2024, read escapes behind a dollar sign. A line break would be pasted as Enter.
  if (escaped !== word) return `$'${printable(word.replace(/[\\']/g, '\\$&'))}'`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
