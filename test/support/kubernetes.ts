/** A real Kubernetes of one node, whose kubelet runs pods in this machine's Docker Engine (test/run says how it is found). */
import fs from 'node:fs';
import path from 'node:path';
import { guestImage, LABEL, mustDocker } from './docker.js';
import type { Guest } from './machine.js';
import { type Ended, must, ROOT, run, started } from './program.js';
import { scratch } from './scratch.js';

const environment = { KUBECONFIG: process.env['BINFMT_TEST_KUBECONFIG'] };

export const DEPLOY = path.join(ROOT, 'deploy/kubernetes');

/** A directory like a clone, with deploy/kubernetes in it, which may be changed as people change theirs. */
export function cloneOfDeploy(): string {
  const clone = scratch();
  fs.cpSync(DEPLOY, path.join(clone, 'deploy/kubernetes'), { recursive: true });
  return clone;
}

export function kubectl(...args: string[]): Ended {
  return run('kubectl', args, environment);
}

/** Like `kubectl`, but a failure of the command fails the test; returns its output. */
export function mustKubectl(...args: string[]): string {
  return must('kubectl', args, environment);
}

/** The same, while this process goes on. */
export async function kubectlMeanwhile(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await started('kubectl', args, environment);
  if (exit !== 0) throw new Error(`kubectl ${args.join(' ')}: exit status ${exit}\n${stdout}${stderr}`);
  return stdout;
}

function fileWith(manifest: string): string {
  const file = path.join(scratch(), 'manifest.yaml');
  fs.writeFileSync(file, manifest);
  return file;
}

/** A file with these objects. */
export const fileOf = (items: readonly object[]) => fileWith(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** A namespace that is removed with all that is in it, also by test/run if the tests are interrupted. */
export function makeNamespace(name: string): void {
  const labels = { [LABEL]: '' };
  mustKubectl('apply', '--filename', fileOf([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }]));
}

export function removeNamespace(name: string): void {
  mustKubectl('delete', 'namespace', name, '--ignore-not-found');
}

export interface Rendering {
  /** With a tag. */
  readonly image: string;
  /** Directories of deploy/kubernetes. */
  readonly components?: readonly string[];
  readonly namespace?: string;
  /** Of the container, in place of those that it has. */
  readonly args?: readonly string[];
}

/** What the kustomization of somebody who uses our base and components gives. */
export function render({ image, components = [], namespace = 'binfmt', args }: Rendering): string {
  const dir = scratch();
  const from = (name: string) => path.relative(fs.realpathSync(dir), path.join(DEPLOY, name));
  const [newName, newTag] = image.split(':');
  const replaced = { op: 'replace', path: '/spec/template/spec/containers/0/args', value: args };
  const kustomization = {
    resources: [from('base')],
    components: components.map(from),
    namespace,
    images: [{ name: 'binfmt', newName, newTag: newTag ?? 'latest' }],
    labels: [{ pairs: { [LABEL]: '' } }],
    patches: args ? [{ target: { kind: 'DaemonSet' }, patch: JSON.stringify([replaced]) }] : [],
  };
  fs.writeFileSync(path.join(dir, 'kustomization.yaml'), JSON.stringify(kustomization));
  return mustKubectl('kustomize', dir);
}

const ROLLED_OUT = ['rollout', 'status', 'daemonset/binfmt', '--timeout=180s'];

/** Our DaemonSet in one namespace. */
export class DaemonSet {
  readonly namespace: string;

  constructor(namespace = 'binfmt') {
    this.namespace = namespace;
  }

  /** Installs it, or changes it, and waits until its pods are ready. */
  apply(rendering: Rendering): void {
    this.change(rendering);
    this.rolledOut();
  }

  /** Without waiting. */
  change(rendering: Rendering): void {
    mustKubectl('apply', '--filename', fileWith(render({ ...rendering, namespace: this.namespace })));
  }

  rolledOut(): void {
    this.kubectl(...ROLLED_OUT);
  }

  async rolledOutMeanwhile(): Promise<void> {
    await kubectlMeanwhile('--namespace', this.namespace, ...ROLLED_OUT);
  }

  kubectl(...args: string[]): string {
    return mustKubectl('--namespace', this.namespace, ...args);
  }

  pod(): string {
    return this.kubectl('get', 'pods', '--output', 'jsonpath={.items[*].metadata.name}');
  }

  ready(): boolean {
    return this.kubectl('get', 'daemonset', 'binfmt', '--output', 'jsonpath={.status.numberReady}') === '1';
  }

  log(): string {
    return this.kubectl('logs', 'daemonset/binfmt');
  }

  /** The container in the Docker Engine. */
  container(): string {
    const labels = { 'pod.namespace': this.namespace, 'container.name': 'binfmt' };
    const filters = Object.entries(labels).flatMap(([key, value]) => [
      '--filter',
      `label=io.kubernetes.${key}=${value}`,
    ]);
    return mustDocker('ps', '--quiet', ...filters).trim();
  }

  inspect(format: string): string {
    return mustDocker('inspect', '--format', format, this.container()).trim();
  }

  /** Waits until its pods have ended. */
  delete(): void {
    this.kubectl('delete', 'daemonset', 'binfmt', '--cascade=foreground', '--wait');
  }

  /** With its namespace. */
  remove(): void {
    removeNamespace(this.namespace);
  }
}

/** The namespace of pods that are not ours. */
export const GUESTS = 'binfmt-test-guests';

let count = 0;

/** A pod of another architecture that prints what its machine is. */
export function guestPod(guest: Guest, more: object = {}) {
  const container = { name: 'guest', image: guestImage(guest), imagePullPolicy: 'Never', command: ['uname', '-m'] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${guest.name}-${process.pid}-${++count}`, namespace: GUESTS },
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [container], ...more },
  };
}
