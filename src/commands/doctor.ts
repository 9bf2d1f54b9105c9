/** `binfmt doctor [PLATFORM]...`: which platforms run, through what, and how to fix those that do not. */
import { defineCommand, flag, number, pasted, splitList, texts } from './command.js';
import type { DoctorArguments } from './doctor/examine.js';
import { mountOptions, readMountOptions } from './shared-options.js';

const MOST_REPEATS = 10_000;

export const doctorCommand = defineCommand({
  name: 'doctor',
  synopsis: '[OPTION]... [PLATFORM]...',
  summary: 'Check which platforms run, and explain how to fix those that do not.',
  example: 'binfmt doctor arm64 --verbose',
  words: 'any',
  options: {
    json: flag('print the result as JSON'),
    verbose: flag('also print all entries, and additional notes'),
    repeat: number('N', 'run each test program N times, to find what fails now and then', {
      ...{ unit: 'a whole number', least: 1, most: MOST_REPEATS, whole: true },
    }),
    check: texts(
      'NAME',
      'run only this check; may be given more than once',
      'the name of a check (doctor --list-checks)',
    ),
    explain: pasted(
      'MESSAGE',
      'explain an error message on this machine; - reads messages from standard input',
      'a message',
    ),
    'list-checks': flag('print the names of the checks, and what each looks for'),
    ...mountOptions,
  },
  parse(values, given, report): DoctorArguments {
    return {
      words: splitList(given.words),
      json: values.json,
      verbose: values.verbose,
      repeat: values.repeat ?? 1,
      only: values.check && splitList(values.check),
      message: values.explain,
      listChecks: values['list-checks'],
      mount: readMountOptions(values, report),
    };
  },
  run: async (args, context) => (await import('./doctor/examine.js')).doctor(args, context),
});
