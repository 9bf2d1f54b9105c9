/** What binfmt promises whatever happens to it. Each function returns how the promise was broken, or nothing. */
import { isTemporary } from '../../src/core/install/temporary-names.js';
import { lastLine, statusIn } from '../support/program.js';
import type { Attempt } from './fault.js';
import { type Picture, runsNow } from './world.js';

/** The first promise that one call has broken. */
export function brokenBy(attempt: Attempt): string | undefined {
  const { exit, stdout, stderr, wanted, prints, cause } = attempt;
  if (exit === null) return undefined;
  const broken = wanted.filter((architecture) => !runsNow(architecture)).map(({ name }) => name);
  if (exit === 0 && broken.length > 0) return `exit status 0, and ${broken.join()} does not run`;
  const reported = prints === 'report' && exit === 1 && stdout !== '';
  if (exit !== 0 && !reported && !cause.test(lastLine(stderr)))
    return `exit status ${exit}, and the last line is not about ${cause}: ${lastLine(stderr)}`;
  if (prints !== 'status' || exit === 2) return undefined;
  try {
    statusIn({ exit, stdout, stderr });
    return undefined;
  } catch (error) {
    return `standard output is no status: ${error}`;
  }
}

/**
 * The first promise about the machine that is broken after everything has ended. `unclean`: SIGKILL has hit all of the
 * program, so that nothing could remove the directory of its probes or the entry that it tried.
 */
export function brokenOnMachine(before: Picture, after: Picture, unclean: boolean): string | undefined {
  for (const [name, text] of before.others) {
    const now = after.others.get(name);
    if (now !== text) return `the entry ${name} of others was ${JSON.stringify(text)} and is ${JSON.stringify(now)}`;
  }
  if (after.others.size > before.others.size) return 'an entry of others has been added';
  const more = (list: 'mounts' | 'processes' | 'files') => after[list].filter((each) => !before[list].includes(each));
  for (const list of ['mounts', 'processes', ...(unclean ? [] : ['files' as const])] as const) {
    const [left] = more(list);
    if (left !== undefined) return `left behind (${list}): ${left}`;
  }
  const trial = unclean ? undefined : after.entries.find(isTemporary);
  return trial && `left behind (entries): ${trial}`;
}
