/** The options with which a watcher changes its Kubernetes node. */
import { DEFAULT_PREFIX, type NodeOptions, parseDnsName, parseTaintKey } from '../core/cluster/cluster.js';
import { NODE_EXPECTATION, PREFIX_EXPECTATION, TAINT_EXPECTATION, type UsageError } from '../core/report/usage-text.js';
import { type Given, parsed, type ValuesOf } from './command.js';

export const nodeOptions = {
  node: parsed(
    'NAME',
    'with --watch: the Kubernetes node that gets a label for each platform that runs',
    NODE_EXPECTATION,
    parseDnsName,
  ),
  'node-prefix': parsed(
    'PREFIX',
    `with --node: what the names of its labels begin with (default: ${DEFAULT_PREFIX})`,
    PREFIX_EXPECTATION,
    parseDnsName,
  ),
  'remove-taint': parsed(
    'KEY',
    'with --node: a taint that is removed once everything runs',
    TAINT_EXPECTATION,
    parseTaintKey,
  ),
} as const;

export function readNodeOptions(
  values: ValuesOf<typeof nodeOptions>,
  given: Given,
  report: (error: UsageError) => void,
): NodeOptions | undefined {
  const { node, 'node-prefix': prefix = DEFAULT_PREFIX, 'remove-taint': taint } = values;
  for (const option of ['node-prefix', 'remove-taint']) {
    if (given.valuesOf(option) && !given.valuesOf('node')) report({ kind: 'needs-option', option, other: 'node' });
  }
  return node === undefined ? undefined : { node, prefix, taint };
}
