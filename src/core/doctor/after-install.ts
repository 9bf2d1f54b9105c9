/** What doctor's problem with a platform says after an installation that did not make it run. */
import type { Advice } from '../advice.js';
import type { Platform } from '../platform.js';
import { shortPlatform } from '../platform.js';
import type { Problem } from '../problem.js';

/**
 * The same problem, without the advice to do what has just been done: to register this program's emulator, or to write
 * it to the host. If nothing else can be advised, doctor tells more.
 */
export function afterInstall(problem: Problem, platform: Platform): Problem {
  const isRepetition = (advice: Advice) =>
    advice.do === 'export' || (advice.do === 'install' && !advice.options?.length && advice.because === undefined);
  const advice = problem.advice.filter((each) => !isRepetition(each));
  const more: Advice = { do: 'diagnose', platforms: [shortPlatform(platform)] };
  return { ...problem, advice: advice.length > 0 ? advice : [more] };
}
