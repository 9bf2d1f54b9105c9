/** A real Kubernetes of one node, which is this machine; the runtime is containerd or Docker (test/run says how it is found). */
import fs from 'node:fs';
import path from 'node:path';
import { api, apply, applyText, mustKubectl } from './api-server.js';
import { guestImage, LABEL } from './docker.js';
import type { Guest } from './machine.js';
import { type Ended, must, ROOT, run, started } from './program.js';
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

/** Does the kubelet of its only node use containerd itself, and not Docker? */
export const onContainerd = () =>
  mustKubectl('get', 'nodes', '--output', 'jsonpath={.items[0].status.nodeInfo.containerRuntimeVersion}').startsWith(
    'containerd:',
  );

const given = new Set<string>();

/** Gives images of the Docker Engine to the runtime of the kubelet, if that is another one. */
export function giveToNode(...images: string[]): void {
  const missing = images.filter((image) => !given.has(image));
  if (missing.length === 0 || !onContainerd()) return;
  for (const image of missing) {
    must('bash', ['-c', `${process.env['BINFMT_TEST_KUBERNETES']} --load "$0"`, image]);
    given.add(image);
  }
}

/** The processes of a container, its first one first. Whatever the runtime is, their cgroup is named after the container. */
export function processesOf(container: string): number[] {
  const parents = new Map<number, number>();
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container)) continue;
      const [, parent] = /^PPid:\t(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      parents.set(Number(pid), Number(parent));
    } catch {
      // It has ended meanwhile.
    }
  }
  return [...parents.keys()].sort(
    (a, b) => Number(parents.has(parents.get(a) ?? 0)) - Number(parents.has(parents.get(b) ?? 0)),
  );
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
  /** With a tag, or with a digest: `NAME@sha256:…`. */
  readonly image: string;
  /** Directories of deploy/kubernetes. */
  readonly components?: readonly string[];
  readonly namespace?: string;
  /** Of the container, in place of those that it has. */
  readonly args?: readonly string[];
}

/** What the kustomization of a user of our base and components gives. The kubelet looks at its pod more often. */
export function render({ image, components = [], namespace = 'binfmt', args }: Rendering): string {
  const dir = scratch();
  const from = (name: string) => path.relative(fs.realpathSync(dir), path.join(DEPLOY, name));
  const [newName, digest] = image.split('@');
  const [, withoutTag = newName, newTag = 'latest'] = /^(.*):([\w.-]+)$/.exec(newName ?? '') ?? [];
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
    images: [{ name: 'binfmt', ...(digest ? { newName, digest } : { newName: withoutTag, newTag }) }],
    labels: [{ pairs: { [LABEL]: '' } }],
    patches: [{ target: { kind: 'DaemonSet' }, patch: JSON.stringify(replaced) }],
  };
  fs.writeFileSync(path.join(dir, 'kustomization.yaml'), JSON.stringify(kustomization));
  return mustKubectl('kustomize', dir);
}

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly containerStatuses?: readonly { readonly containerID?: string }[] };
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
    if (!rendering.image.includes('@')) giveToNode(rendering.image);
    applyText(render({ ...rendering, namespace: this.namespace }));
  }

  async rolledOutMeanwhile(): Promise<void> {
    const { exit, stdout, stderr } = await started('kubectl', ['--namespace', this.namespace, ...ROLLED_OUT]);
    if (exit !== 0) throw new Error(`${stdout}${stderr}\n${this.log()}`);
  }

  kubectl(...args: string[]): string {
    return mustKubectl('--namespace', this.namespace, ...args);
  }

  async #pods(): Promise<readonly Pod[]> {
    return JSON.parse(await api(`/api/v1/namespaces/${this.namespace}/pods`)).items;
  }

  /** The name of its pod; undefined while it has none that is to stay. */
  async pod(): Promise<string | undefined> {
    return (await this.#pods()).find(({ metadata }) => !metadata.deletionTimestamp)?.metadata.name;
  }

  async ready(): Promise<boolean> {
    const status = await api(`/apis/apps/v1/namespaces/${this.namespace}/daemonsets/binfmt/status`).catch(() => '{}');
    return JSON.parse(status).status?.numberReady === 1;
  }

  log(): string {
    return this.kubectl('logs', 'daemonset/binfmt');
  }

  /** The ids of its containers, also of those that have ended or are about to. */
  async containers(): Promise<string[]> {
    const statuses = (await this.#pods()).flatMap(({ status }) => status.containerStatuses ?? []);
    return statuses.flatMap(({ containerID = '' }) => containerID.split('://')[1] || []);
  }

  /** Of the container that runs; none while none does. */
  async processes(): Promise<number[]> {
    return (await this.containers()).flatMap(processesOf);
  }

  /** What the kernel says about its first process: a file of its directory in /proc. */
  async procfs(file: string): Promise<string> {
    const [first] = await this.processes();
    return fs.readFileSync(`/proc/${first}/${file}`, 'utf8');
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const [first = 0] = await this.processes();
    process.kill(first, signal);
  }

  /** Waits until its containers have ended. The namespace stays. */
  async delete(): Promise<void> {
    const containers = await this.containers().catch(() => []);
    this.kubectl('delete', 'daemonset', 'binfmt', '--ignore-not-found');
    await untilWithin(PATIENCE, () => containers.flatMap(processesOf).length === 0, 'the containers to end');
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
