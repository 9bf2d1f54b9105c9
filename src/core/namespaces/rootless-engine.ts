/**
 * Rootless engines: podman and Docker keep a user and a mount namespace for all containers of a user, as long as one process
 * runs. A binfmt_misc that is mounted there has the entries for all of these containers, and for no others.
 */

export const engines = ['podman', 'docker'] as const;
export type Engine = (typeof engines)[number];

/** The names of a user and a mount namespace, as the links in /proc/PID/ns have them. */
export interface Namespaces {
  readonly user: string;
  readonly mount: string;
}

/** A process of the user, as /proc shows it. */
export interface UserProcess {
  readonly pid: number;
  /** The name of its program: /proc/PID/comm, at most 15 bytes. */
  readonly name: string;
  /** Its command line; empty if it has ended, and it was not noted yet. */
  readonly words: readonly string[];
  readonly namespaces: Namespaces;
}

/** A process that keeps the namespaces of an engine. */
export interface Keeper {
  readonly engine: Engine;
  readonly pid: number;
  readonly namespaces: Namespaces;
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

/** What looks like one of these. `own`: our user namespace, in which there is none. */
export function findKeepers(processes: readonly UserProcess[], own: string): Keeper[] {
  return processes.flatMap((each) => {
    const engine = each.namespaces.user === own ? undefined : engineOf(each);
    return engine === undefined ? [] : [{ engine, pid: each.pid, namespaces: each.namespaces }];
  });
}

/** podman starts when it is called, so it is the choice if neither runs. */
export function chooseEngine(asked: Engine | 'any', running: readonly Keeper[]): Engine {
  if (asked !== 'any') return asked;
  const runs = (engine: Engine) => running.some((each) => each.engine === engine);
  return runs('docker') && !runs('podman') ? 'docker' : 'podman';
}

/**
 * Who keeps the namespaces that podman has named as its own. There may be older ones, whose process it has lost, and a container
 * may have a process of the same name. The processes that serve a container (conmon) are in the same namespaces, and end earlier.
 */
export function podmanKeeper({ user, mount }: Namespaces, processes: readonly UserProcess[]): Keeper | undefined {
  const inside = processes.filter(
    ({ words, namespaces }) => words.length > 0 && namespaces.user === user && namespaces.mount === mount,
  );
  const found = inside.find((each) => engineOf(each) === 'podman') ?? inside[0];
  return found && { engine: 'podman', pid: found.pid, namespaces: found.namespaces };
}
