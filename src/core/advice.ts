/**
 * What a user can do about a problem, as data. Commands and labels are made from it for the way in which binfmt
 * was called, as an image or as a file (src/core/report/advice-text.ts).
 */
/** More rights, or other options, for the very command that was called. */
export type Grant =
  | 'privileges'
  | 'root-user'
  | 'host-directory'
  | 'host-files'
  | 'host-root'
  | 'host-namespaces'
  | 'service'
  | 'no-apparmor'
  | 'no-selinux'
  | 'user-namespace'
  | 'host-user-namespace';

/** Advice that is words only: there is no command to paste. */
export type Suggestion =
  | 'allow-nodes'
  | 'add-foreign-libraries'
  | 'build-on-own-platform'
  | 'choose-another-address'
  | 'choose-another-directory'
  | 'fix-emulator-file'
  | 'get-static-emulator'
  | 'give-service-account'
  | 'install-newer-kernel'
  | 'keep-directory-in-memory'
  | 'mount-without-noexec'
  | 'mount-writable'
  | 'register-on-the-host'
  | 'set-emulator-directory'
  | 'show-stack'
  | 'trace-from-outside'
  | 'try-again-later'
  | 'update-dotnet'
  | 'use-4k-pages'
  | 'use-full-image'
  | 'use-host-user-namespace'
  | 'use-other-emulators'
  | 'use-program-for-processor'
  | 'use-in-pod';

export type Advice =
  /** Register binfmt's emulator. `because`: why, if several things could be done. */
  | {
      readonly do: 'install';
      readonly platforms: readonly string[];
      readonly options?: readonly string[];
      readonly hostNamespaces?: boolean;
      /** The entry that stays in front of it. */
      readonly after?: string;
      readonly because?: 'replace' | 'in-front' | 'for-processor' | 'label' | 'whole-machine' | 'elsewhere';
    }
  | { readonly do: 'watch'; readonly platforms: readonly string[] }
  /** Register it at every boot too. */
  | { readonly do: 'persist'; readonly platforms: readonly string[] }
  | {
      readonly do: 'run';
      readonly platforms: readonly string[];
      readonly command: readonly string[];
      readonly because?: 'no-engine';
    }
  | { readonly do: 'uninstall'; readonly entries: readonly string[] }
  | { readonly do: 'enable-entries'; readonly entries: readonly string[] }
  /** In a shell that is open already, when no new program can be started. */
  | { readonly do: 'remove-entries-by-hand'; readonly entries: readonly string[] }
  /** Of the host: absolute paths. */
  | { readonly do: 'delete-files'; readonly files: readonly string[] }
  /** Since Linux 7.3. */
  | { readonly do: 'delete-entry-file'; readonly file: string }
  | { readonly do: 'enable-binfmt' }
  | { readonly do: 'load-module' }
  | { readonly do: 'mount-on-host' }
  | { readonly do: 'start-rootless-docker' }
  | { readonly do: 'trigger-automount' }
  | { readonly do: 'restart-automount' }
  | { readonly do: 'replace-automount' }
  | { readonly do: 'restart-systemd-binfmt' }
  | { readonly do: 'call-again'; readonly with: Grant }
  /** The same call, in a container that sees this directory of the host. */
  | { readonly do: 'call-again-with-directory'; readonly directory: string }
  | { readonly do: 'set-sysctl'; readonly setting: string; readonly value: number; readonly until?: 'fixed' }
  /** For programs of this platform, in their own environment. */
  | { readonly do: 'set-variable'; readonly variable: string; readonly value: string; readonly platform: string }
  | { readonly do: 'examine'; readonly options: readonly string[] }
  | { readonly do: 'install-package'; readonly package: string }
  | { readonly do: 'add-subordinate-ids'; readonly user: string }
  | { readonly do: 'make-executable'; readonly file: string }
  | { readonly do: 'inspect-image' }
  | { readonly do: 'choose-platform'; readonly platform: string; readonly because: 'explicit' | 'lower' }
  /** In words that are made where the advice is given: src/core/doctor/known. */
  | { readonly do: 'step'; readonly label: string; readonly command?: string }
  | { readonly do: 'consider'; readonly what: Suggestion; readonly detail?: string };

/**
 * One list of advice for several problems of the same kind: pieces that differ only in their platforms or entries
 * become one, with all of them; every other piece stands for itself, once.
 */
export function mergeAdvice(advice: readonly Advice[]): Advice[] {
  const merged = new Map<string, Advice>();
  for (const each of advice) {
    const key = JSON.stringify({ ...each, platforms: undefined, entries: undefined });
    const known = merged.get(key);
    merged.set(key, known === undefined ? each : union(known, each));
  }
  return [...merged.values()];
}

function union(one: Advice, other: Advice): Advice {
  if ('platforms' in one && 'platforms' in other) {
    return { ...one, platforms: [...new Set([...one.platforms, ...other.platforms])] };
  }
  if ('entries' in one && 'entries' in other) {
    return { ...one, entries: [...new Set([...one.entries, ...other.entries])] };
  }
  return one;
}
