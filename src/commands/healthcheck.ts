/** `binfmt healthcheck`: asks the watcher in the same container whether it is ready. */
import { defaultAddresses, formatAddress } from '../core/address.js';
import { problemOf } from '../core/problem.js';
import { noWatcher, watcherSilent } from '../core/report/program-problems.js';
import { reportProblem } from '../core/report/render.js';
import { isThere } from '../system/host/files.js';
import { defineCommand, flag } from './command.js';
import { listenOption } from './shared-options.js';

export const healthcheckCommand = defineCommand({
  name: 'healthcheck',
  synopsis: '[OPTION]...',
  summary: 'Ask the watcher in the same container whether it is ready.',
  example: 'binfmt healthcheck --strict',
  words: 'none',
  options: {
    strict: flag('fail if no watcher is running'),
    listen: listenOption('the address of the watcher'),
  },
  parse: (values) => ({ address: values.listen, strict: values.strict }),
  async run({ address, strict }) {
    const found =
      address ?? defaultAddresses(process.getuid?.() ?? 0).find((each) => each.kind === 'unix' && isThere(each.path));
    if (found === undefined) {
      if (strict) return reportProblem(problemOf(noWatcher, 'machine', {}));
      return { lines: [{ kind: 'note', note: { kind: 'no-watcher' } }], exit: 0 };
    }
    const answer = await (await import('../system/watch/ask.js')).askWatcher(found);
    if (answer.kind === 'answer') return { stdout: answer.body, lines: [], exit: answer.ready ? 0 : 1 };
    const name = formatAddress(found);
    return reportProblem(problemOf(watcherSilent, name, { address: name, errno: answer.errno }));
  },
});
