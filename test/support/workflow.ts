/** The workflows of .github/workflows, as data. */
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './program.js';

const DIRECTORY = path.join(ROOT, '.github/workflows');

interface Step {
  readonly id?: string;
  readonly run?: string;
}

interface Workflow {
  readonly env?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<string, { readonly env?: Readonly<Record<string, string>>; readonly steps: readonly Step[] }>
  >;
}

export const workflowFiles = fs.readdirSync(DIRECTORY).map((name) => path.join(DIRECTORY, name));

export interface Job {
  readonly workflow: string;
  readonly name: string;
  /** The commands of its steps, in order. */
  readonly commands: readonly string[];
}

export const jobs: readonly Job[] = workflowFiles.flatMap((file) => {
  const workflow = parse(fs.readFileSync(file, 'utf8')) as Workflow;
  return Object.entries(workflow.jobs).map(([name, { steps }]) => ({
    workflow: path.basename(file),
    name,
    commands: steps.flatMap(({ run }) => run ?? []),
  }));
});
