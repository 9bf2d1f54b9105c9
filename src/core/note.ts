/** What is worth knowing about something that went well, as data; src/core/report/note-text.ts makes the sentences. */
import type { Problem } from './problem.js';

/** How an entry differs from the one that would be registered now. */
export type Difference =
  | { readonly in: 'version'; readonly have?: string; readonly want: string }
  | { readonly in: 'flags'; readonly have: string; readonly want: string; readonly older?: OlderVersion }
  | { readonly in: 'magic'; readonly older?: OlderVersion };

/** The QEMU that would be registered is older than the one that is. */
export interface OlderVersion {
  readonly have: string;
  readonly want: string;
}

export type Note =
  | { readonly kind: 'native' }
  | { readonly kind: 'native-left-out' }
  | { readonly kind: 'already-registered'; readonly version?: string }
  | { readonly kind: 'other-entry'; readonly entry: string }
  | { readonly kind: 'hidden-entry'; readonly interpreter?: string }
  | { readonly kind: 'kept'; readonly version?: string; readonly difference: Difference }
  | { readonly kind: 'not-replaced'; readonly version?: string; readonly problem: Problem }
  | { readonly kind: 'changed'; readonly difference: Difference }
  | { readonly kind: 'renewed' }
  /** The host registers them at every boot: `registers` says how. `chosen`: by the user, not found out. */
  | { readonly kind: 'persisted'; readonly registers: string; readonly chosen: boolean }
  | { readonly kind: 'boot-service-off'; readonly service: string; readonly file: string }
  /** The host also registers `other`, for the same programs: after the entry, so that it is in front. */
  | { readonly kind: 'in-front-at-boot'; readonly entry: string; readonly other: string; readonly file: string }
  /** binfmt-support also has `other`, for the same programs, and so registers neither as it is. */
  | { readonly kind: 'record-clash'; readonly entry: string; readonly other: string }
  /** The host's own configuration has an entry of that name, which was overridden until now. */
  | { readonly kind: 'own-entry-restored'; readonly interpreter: string }
  | { readonly kind: 'replaced'; readonly entry: 'broken' | 'disabled' }
  | { readonly kind: 'in-front-of'; readonly entry: string }
  | { readonly kind: 'behind'; readonly entry: string }
  /** It could not be registered again, and yet it runs. */
  | { readonly kind: 'runs-anyway'; readonly problem: Problem }
  | { readonly kind: 'this-container-only'; readonly platform: string; readonly note?: Note }
  /** `files`: regular files that are named as other tools name their emulators. `instead`: the name of the first one here. */
  | { readonly kind: 'other-names'; readonly files: readonly string[]; readonly instead: string }
  | { readonly kind: 'not-registered' }
  | { readonly kind: 'entries-unreadable'; readonly problem: Problem }
  | { readonly kind: 'one-user-only'; readonly missing: MissingIds }
  | { readonly kind: 'no-watcher' }
  /** What to do on the host after an export (src/core/persist/formats.ts). */
  | { readonly kind: 'next-step'; readonly step: string };

/** Why a user namespace has one user only. */
export type MissingIds =
  | { readonly kind: 'no-range'; readonly file: string; readonly user: string }
  | { readonly kind: 'no-program'; readonly program: string }
  | { readonly kind: 'refused'; readonly output: string };
