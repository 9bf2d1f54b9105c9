/** A real Kubernetes of one node, whose kubelet runs pods in this machine's Docker Engine (test/run says how it is found). */
import fs from 'node:fs';
import path from 'node:path';
import { guestImage, LABEL, mustDocker } from './docker.js';
import type { Guest } from './machine.js';
import { type Ended, must, ROOT, run } from './program.js';
import { scratch } from './scratch.js';

const environment = { KUBECONFIG: process.env['BINFMT_TEST_KUBECONFIG'] };

export const DEPLOY = path.join(ROOT, 'deploy/kubernetes');

export function kubectl(...args: string[]): Ended {
  return run('kubectl', args, environment);
}

/** Like `kubectl`, but a failure of the command fails the test; returns its output. */
export function mustKubectl(...args: string[]): string {
  return must('kubectl', args, environment);
}

/** Applies a manifest, and returns the file that it is in. */
export function apply(manifest: string): string {
  const file = path.join(scratch(), 'manifest.yaml');
  fs.writeFileSync(file, manifest);
  mustKubectl('apply', '--filename', file);
  return file;
}

/** The same for objects. */
export function applyAll(items: readonly object[]): void {
  apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/** A namespace that is removed with all that is in it, also by test/run if the tests are interrupted. */
export function makeNamespace(name: string): void {
  applyAll([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [LABEL]: '' } } }]);
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
  /** Of the container, in place of `--install all --watch`. */
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
    apply(render({ ...rendering, namespace: this.namespace }));
  }

  rolledOut(): void {
    this.kubectl('rollout', 'status', 'daemonset/binfmt', '--timeout=180s');
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

export function logOfGuest(name: string): string {
  return kubectl('logs', '--namespace', GUESTS, name).stdout;
}

/** `Succeeded`, `Failed` and so on, by the names of all pods of guests. */
export function phasesOfGuests(): Record<string, string> {
  const format = '{range .items[*]}{.metadata.name} {.status.phase}{"\\n"}{end}';
  const lines = mustKubectl('get', 'pods', '--namespace', GUESTS, '--output', `jsonpath=${format}`).trim().split('\n');
  return Object.fromEntries(lines.filter((line) => line !== '').map((line) => line.split(' ')));
}
