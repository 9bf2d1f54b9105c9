/** action.yml, and what a runner of GitHub does with it: each step is a file that bash runs, with the inputs in its environment. */
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { type Ended, ROOT } from './program.js';

export const ACTION_FILE = path.join(ROOT, 'action.yml');

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

interface Step {
  readonly id: string;
  readonly env: Readonly<Record<string, string>>;
  readonly run: string;
}

export const action = parse(fs.readFileSync(ACTION_FILE, 'utf8')) as Action;

export interface ActionResult extends Ended {
  /** Errors that GitHub shows beside the job. */
  readonly annotations: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
}

export type Inputs = Readonly<Record<string, string>>;

/** `bash`: runs a script. */
export function runAction(inputs: Inputs, bash: (script: string) => Ended): ActionResult {
  const steps = action.runs.steps.map((step) => stepScript(step, inputs));
  const ended = bash(`set -e; work=$(mktemp -d); trap 'rm -rf "$work"' EXIT\n${steps.join('\n')}`);
  const lines = ended.stdout.split('\n');
  const outputs = Object.entries(action.outputs).map(([name, { value }]) => [name, outputIn(lines, value)]);
  const annotations = lines.flatMap((line) => /^::error::(.*)$/.exec(line)?.[1]?.replaceAll('%25', '%') ?? []);
  return { ...ended, annotations, outputs: Object.fromEntries(outputs) };
}

/** It prints each output as a line `STEP:NAME=VALUE`. */
function stepScript({ id, env, run }: Step, inputs: Inputs): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}='${inputFor(value, inputs)}'`);
  return `cat >"$work/step" <<'END OF THE STEP'\n${run}END OF THE STEP
    : >"$work/output"
    env ${variables.join(' ')} GITHUB_OUTPUT="$work/output" bash --noprofile --norc -eo pipefail "$work/step"
    sed 's/^/${id}:/' "$work/output"`;
}

function inputFor(expression: string, inputs: Inputs): string {
  const name = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(expression)?.[1] ?? '';
  const input = action.inputs[name];
  if (!input) throw new Error(`action.yml has no input for ${expression}`);
  return inputs[name] ?? input.default ?? '';
}

function outputIn(lines: readonly string[], expression: string): string {
  const [, step, name] = /^\$\{\{ steps\.([\w-]+)\.outputs\.([\w-]+) \}\}$/.exec(expression) ?? [];
  const start = `${step}:${name}=`;
  return lines.find((line) => line.startsWith(start))?.slice(start.length) ?? '';
}
