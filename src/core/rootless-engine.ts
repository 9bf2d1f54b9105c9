/**
 * Rootless engines: podman and Docker keep a user and a mount namespace for all containers of a user, as long as one process
 * runs. A binfmt_misc that is mounted there has the entries for all of these containers, and for nobody else.
 */

export const engines = ['podman', 'docker'] as const;
export type Engine = (typeof engines)[number];

/** A process of the user, as /proc shows it. */
export interface UserProcess {
  readonly pid: number;
  /** The name of its program: /proc/PID/comm, at most 15 bytes. */
  readonly name: string;
  /** Its command line; empty if it has ended, and nobody has taken note yet. */
  readonly words: readonly string[];
  /** Its user namespace, as /proc/PID/ns/user names it. */
  readonly userNamespace: string;
}

/**
 * podman's pause process is catatonit, or podman itself before version 4 and where catatonit is missing. A rootless dockerd
 * runs in the namespaces that rootlesskit made. Sources: pkg/rootless/rootless_linux.c of podman, docs/rootless of moby.
 */
function engineOf({ name, words }: UserProcess): Engine | undefined {
  if (words.length === 0) return undefined;
  if (name === 'catatonit' && words.includes('-P')) return 'podman';
  if (name === 'podman pause' || (name === 'podman' && words.length === 1)) return 'podman';
  return name === 'dockerd' ? 'docker' : undefined;
}

/** The process that keeps the namespaces of an engine; podman's, if both run and any will do. `own`: our user namespace. */
export function findKeeper(
  asked: Engine | 'any',
  processes: readonly UserProcess[],
  own: string,
): { readonly engine: Engine; readonly pid: number; readonly userNamespace: string } | undefined {
  const found = processes
    .filter(({ userNamespace }) => userNamespace !== own)
    .flatMap((each) => {
      const engine = engineOf(each);
      return engine === undefined ? [] : [{ engine, pid: each.pid, userNamespace: each.userNamespace }];
    });
  return engines
    .filter((engine) => asked === 'any' || asked === engine)
    .map((engine) => found.find((each) => each.engine === engine))
    .find((each) => each !== undefined);
}
