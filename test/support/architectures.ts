/** Rows of the table of architectures, by name. */
import type { Architecture } from '../../src/core/platform/architectures.js';
import { architectureNamed } from '../../src/core/platform/platform.js';

/** The row of an architecture, as `arm64`; throws for a name that is not in the table. */
export function row(name: string): Architecture {
  const found = architectureNamed(name);
  if (!found) throw new Error(`no row ${name}`);
  return found;
}
