/** What the command line of `binfmt --install LIST` and the like says. */
import type { NodeOptions } from '../../core/cluster/cluster.js';
import type { InstallOptions } from '../../core/install/plan.js';
import type { HostOptions } from '../../system/persist/target-host.js';
import type { OpenOptions } from '../../system/system.js';
import type { ServiceOptions } from '../../system/watch/service.js';

export type Service = Omit<ServiceOptions, 'words' | 'options' | 'node'> & { readonly node?: NodeOptions };

export interface Arguments {
  readonly version: boolean;
  /** What was given, unsplit: the name of an entry may have a comma in it. */
  readonly uninstall?: string;
  readonly install?: readonly string[];
  /** The entry that stays in front. */
  readonly after?: string;
  readonly options: InstallOptions;
  readonly mount: Omit<OpenOptions, 'toChange'>;
  /** Stay, and keep working what was installed. */
  readonly watch?: Service;
  /** On the host too, so that it has the emulators at every boot. */
  readonly persist?: HostOptions;
}
