/** What doctor's problem with a platform says after an installation that did not make it run. */
import type { Advice } from '../advice.js';
import { ENTRY_KEPT, type Problem } from '../problem.js';

/**
 * The same problem, without the advice to do what has just been done: to register binfmt's emulator, or to write
 * it to the host.
 */
export function afterInstall(problem: Problem): Problem {
  return withoutAdvice(
    problem,
    (advice) =>
      advice.do === 'persist' || (advice.do === 'install' && !advice.options?.length && advice.because === undefined),
  );
}

/** The same for an emulator that was only tried, in front of an entry that works: its own entry is gone again. */
export function afterTrial({ facts, ...problem }: Problem): Problem {
  const kept = { ...problem, facts: { ...facts, [ENTRY_KEPT]: true } };
  return withoutAdvice(
    kept,
    (advice) => ['persist', 'uninstall'].includes(advice.do) || (advice.do === 'install' && advice.because !== 'label'),
  );
}

/** If nothing else can be advised, other emulators may help. */
function withoutAdvice(problem: Problem, isUseless: (advice: Advice) => boolean): Problem {
  const advice = problem.advice.filter((each) => !isUseless(each));
  return { ...problem, advice: advice.length > 0 ? advice : [{ do: 'consider', what: 'use-other-emulators' }] };
}
