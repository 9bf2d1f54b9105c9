/** `binfmt healthcheck`: asks the watcher in the same container whether it is ready. */
import { defineCommand, flag } from './command.js';
import { listenOption } from './mount-options.js';

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
  async run(args, context) {
    return (await context.loadHttpClient()).askWatcher(args);
  },
});
