/** The files of deploy/ci, as data. */
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './program.js';

const DIRECTORY = path.join(ROOT, 'deploy/ci');
const read = (file: string) => fs.readFileSync(path.join(DIRECTORY, file), 'utf8');

export const pipelineFiles = fs.readdirSync(DIRECTORY);
export const forgejoText = read('forgejo.yaml');

interface Gitlab {
  readonly '.binfmt': {
    readonly variables: Readonly<Record<string, string>>;
    readonly before_script: readonly string[];
  };
}

interface Woodpecker {
  readonly steps: readonly { readonly commands: readonly string[] }[];
}

export interface Pipeline {
  readonly file: string;
  /** Lines for a shell. */
  readonly commands: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

export const gitlabJob = (parse(read('gitlab.yaml')) as Gitlab)['.binfmt'];
const woodpecker = parse(read('woodpecker.yaml')) as Woodpecker;

/** Those that have commands. */
export const pipelineCommands: readonly Pipeline[] = [
  { file: 'gitlab.yaml', commands: gitlabJob.before_script, variables: gitlabJob.variables },
  { file: 'woodpecker.yaml', commands: woodpecker.steps.flatMap(({ commands }) => commands), variables: {} },
  {
    file: 'Jenkinsfile',
    commands: [...read('Jenkinsfile').matchAll(/^ *sh '([^']*)'$/gm)].flatMap(([, line]) => line ?? []),
    variables: {},
  },
];
