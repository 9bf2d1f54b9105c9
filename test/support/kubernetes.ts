/** A real Kubernetes of one node, whose kubelet runs pods in this machine's Docker Engine (test/run says how it is found). */
import fs from 'node:fs';
import path from 'node:path';
import { api, apply, applyText, mustKubectl } from './api-server.js';
import { guestImage, LABEL, mustDocker } from './docker.js';
import type { Guest } from './machine.js';
import { type Ended, ROOT, run, started } from './program.js';
import { scratch } from './scratch.js';
import { PATIENCE, untilWithin } from './watcher.js';

export { mustKubectl };

export const kubectl = (...args: string[]): Ended => run('kubectl', args);

export const DEPLOY = path.join(ROOT, 'deploy/kubernetes');

/** A directory like a clone, with deploy/kubernetes in it, which may be changed as people change theirs. */
export function cloneOfDeploy(): string {
  const clone = scratch();
  fs.cpSync(DEPLOY, path.join(clone, 'deploy/kubernetes'), { recursive: true });
  return clone;
}

/** A namespace that is removed with all that is in it by `removeNamespace`, or when the tests have ended. */
export function makeNamespace(name: string): void {
  const labels = { [LABEL]: '' };
  apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

/** Nothing more is made in it from now on, and its pods are ended; it goes a little later. */
export function removeNamespace(name: string): void {
  mustKubectl('delete', 'namespace', name, '--ignore-not-found', '--wait=false');
  mustKubectl('delete', 'pods', '--namespace', name, '--all', '--force', '--grace-period=0', '--wait=false');
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

/** What the kustomization of somebody who uses our base and components gives. The kubelet looks at its pod more often. */
export function render({ image, components = [], namespace = 'binfmt', args }: Rendering): string {
  const dir = scratch();
  const from = (name: string) => path.relative(fs.realpathSync(dir), path.join(DEPLOY, name));
  const [newName, newTag] = image.split(':');
  const container = '/spec/template/spec/containers/0';
  const replaced = [
    { op: 'replace', path: `${container}/readinessProbe/initialDelaySeconds`, value: 1 },
    { op: 'replace', path: `${container}/readinessProbe/periodSeconds`, value: 2 },
    ...(args ? [{ op: 'replace', path: `${container}/args`, value: args }] : []),
  ];
  const kustomization = {
    resources: [from('base')],
    components: components.map(from),
    namespace,
    images: [{ name: 'binfmt', newName, newTag: newTag ?? 'latest' }],
    labels: [{ pairs: { [LABEL]: '' } }],
    patches: [{ target: { kind: 'DaemonSet' }, patch: JSON.stringify(replaced) }],
  };
  fs.writeFileSync(path.join(dir, 'kustomization.yaml'), JSON.stringify(kustomization));
  return mustKubectl('kustomize', dir);
}

const ROLLED_OUT = ['rollout', 'status', 'daemonset/binfmt', '--timeout=9m'];

/** Our DaemonSet in one namespace. */
export class DaemonSet {
  readonly namespace: string;

  constructor(namespace = 'binfmt') {
    this.namespace = namespace;
  }

  /** Installs it, or changes it, and waits until its pods are ready. */
  apply(rendering: Rendering): void {
    this.change(rendering);
    this.kubectl(...ROLLED_OUT);
  }

  /** Without waiting. */
  change(rendering: Rendering): void {
    applyText(render({ ...rendering, namespace: this.namespace }));
  }

  async rolledOutMeanwhile(): Promise<void> {
    const { exit, stdout, stderr } = await started('kubectl', ['--namespace', this.namespace, ...ROLLED_OUT]);
    if (exit !== 0) throw new Error(`${stdout}${stderr}\n${this.log()}`);
  }

  kubectl(...args: string[]): string {
    return mustKubectl('--namespace', this.namespace, ...args);
  }

  /** The name of its pod; undefined while it has none that is to stay. */
  async pod(): Promise<string | undefined> {
    const { items } = JSON.parse(await api(`/api/v1/namespaces/${this.namespace}/pods`)) as {
      items: { metadata: { name: string; deletionTimestamp?: string } }[];
    };
    return items.find(({ metadata }) => !metadata.deletionTimestamp)?.metadata.name;
  }

  async ready(): Promise<boolean> {
    const status = await api(`/apis/apps/v1/namespaces/${this.namespace}/daemonsets/binfmt/status`).catch(() => '{}');
    return JSON.parse(status).status?.numberReady === 1;
  }

  log(): string {
    return this.kubectl('logs', 'daemonset/binfmt');
  }

  /** The container in the Docker Engine; empty while none runs. */
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

  /** Waits until its container has ended. The namespace stays. */
  async delete(): Promise<void> {
    this.kubectl('delete', 'daemonset', 'binfmt', '--ignore-not-found');
    await untilWithin(PATIENCE, () => this.container() === '', 'the container to end');
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
