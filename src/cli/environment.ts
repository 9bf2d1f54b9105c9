/** The environment variables that binfmt reads. docs/cli.md lists them; docs/migrating.md has the one of another tool. */
import path from 'node:path';
import { type ClusterAccess, HOST_VARIABLE, PORT_VARIABLE } from '../core/cluster/cluster.js';
import type { Invocation } from '../core/invocation.js';
import type { UsageError } from '../core/report/usage-text.js';
import type { EmulatorDirectory } from '../system/host/emulators.js';

export interface Environment {
  readonly emulatorDirectory: EmulatorDirectory;
  /** How to call binfmt again with these words. */
  invocation(args: readonly string[]): Invocation;
  /** What Kubernetes tells every pod. */
  readonly cluster: ClusterAccess;
  /** Flag P may be set, unless an option forbids it. */
  readonly preserveArgv0: boolean;
  /** A variable with a value that cannot be used. */
  readonly error?: UsageError;
}

/** Of the emulators. */
const DEFAULT_DIRECTORY = '/usr/bin';

/** Where Kubernetes puts the service account of a pod. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Values that mean "off". */
const OFF = new Set(['0', 'false', 'no', 'off']);

export function readEnvironment(variables: NodeJS.ProcessEnv): Environment {
  const { QEMU_BINARY_PATH = '', QEMU_BINARY_PREFIX = '', QEMU_PRESERVE_ARGV0 = '', BINFMT_IMAGE = '' } = variables;
  const { BINFMT_DEBUG = '', BINFMT_PROGRAM = 'binfmt' } = variables;
  const directory = path.resolve(QEMU_BINARY_PATH || DEFAULT_DIRECTORY);
  const needed = {
    // The image sets this variable too.
    QEMU_BINARY_PATH: directory === DEFAULT_DIRECTORY ? '' : directory,
    QEMU_BINARY_PREFIX,
    QEMU_PRESERVE_ARGV0,
  };
  return {
    emulatorDirectory: { path: directory, prefix: QEMU_BINARY_PREFIX },
    // The image sets its name. Elsewhere it is the file that was started (src/native/main.c).
    invocation: (args) => ({
      ...(BINFMT_IMAGE === '' ? { kind: 'file', name: BINFMT_PROGRAM } : { kind: 'image', name: BINFMT_IMAGE }),
      environment: Object.entries(needed).flatMap(([name, value]) => (value === '' ? [] : [`${name}=${value}`])),
      args,
      debug: BINFMT_DEBUG !== '' && !OFF.has(BINFMT_DEBUG.toLowerCase()),
      rootless: args.find((word) => /^--?rootless(=|$)/.test(word)),
    }),
    cluster: {
      host: variables[HOST_VARIABLE],
      port: variables[PORT_VARIABLE],
      serviceAccount: variables['BINFMT_SERVICE_ACCOUNT'] || SERVICE_ACCOUNT,
    },
    preserveArgv0: !OFF.has(QEMU_PRESERVE_ARGV0.toLowerCase()),
    error: errorIn({ QEMU_BINARY_PATH, QEMU_BINARY_PREFIX }),
  };
}

function errorIn({
  QEMU_BINARY_PATH,
  QEMU_BINARY_PREFIX,
}: Record<'QEMU_BINARY_PATH' | 'QEMU_BINARY_PREFIX', string>): UsageError | undefined {
  if (/[\t\n]/.test(QEMU_BINARY_PATH)) {
    return { kind: 'bad-environment', variable: 'QEMU_BINARY_PATH', value: QEMU_BINARY_PATH, has: 'control' };
  }
  if (QEMU_BINARY_PREFIX.includes('/')) {
    return { kind: 'bad-environment', variable: 'QEMU_BINARY_PREFIX', value: QEMU_BINARY_PREFIX, has: 'slash' };
  }
  return undefined;
}
