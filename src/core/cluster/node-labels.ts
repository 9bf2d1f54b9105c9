/**
 * The labels of a Kubernetes node that say which platforms run on it, and the taint that keeps pods away until they do.
 * Decides how the node has to change, if at all.
 */

/** What matters here about a node, as the API server reports it. */
export interface ClusterNode {
  /** Changes with every change of the node. */
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** With everything that they have beside their key, such as an effect. */
  readonly taints: readonly Taint[];
}

export interface Taint {
  readonly key: string;
}

/** What a watcher wants its node to say. */
export interface NodeWish {
  readonly prefix: string;
  /** Who this watcher is, for the annotation that says whose the labels are. */
  readonly watcher: string;
  /** The platforms that it keeps working and that run now, such as `linux/arm/v7`. */
  readonly running: readonly string[];
  /** The architectures that it keeps working, running or not. */
  readonly watched: readonly string[];
  /** The key of the taints to remove, if it is time to. */
  readonly taint?: string;
}

/** A change of a node: a JSON merge patch, and what it does in short. */
export interface NodeChange {
  readonly patch: object;
  /** Names of labels. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** The key of the taints that go. */
  readonly taint?: string;
}

/** Reads the API server's answer. Undefined if it is not the node of this name. */
export function parseNode(body: string, name: string): ClusterNode | undefined {
  let node: Partial<Record<string, unknown>>;
  try {
    node = fieldsOf(JSON.parse(body));
  } catch {
    return undefined;
  }
  const metadata = fieldsOf(node['metadata']);
  const { resourceVersion } = metadata;
  const taints = fieldsOf(node['spec'])['taints'] ?? [];
  if (node['kind'] !== 'Node' || metadata['name'] !== name || typeof resourceVersion !== 'string') return undefined;
  if (!Array.isArray(taints) || !taints.every(isTaint)) return undefined;
  const [labels, annotations] = [fieldsOf(metadata['labels']), fieldsOf(metadata['annotations'])];
  return { resourceVersion, labels: textsOf(labels), annotations: textsOf(annotations), taints };
}

/**
 * What has to change so that the node says what the watcher wants; undefined if it does already. `claims`: the labels
 * become this watcher's, whoever had them. If they belong to another watcher, this one changes only those of architectures
 * that it watches itself: so two with different lists do not undo each other's work.
 */
export function changeFor(node: ClusterNode, wish: NodeWish, claims: boolean): NodeChange | undefined {
  const { prefix, watcher, taint } = wish;
  const owner = ownerOf(node, prefix);
  const owns = claims || owner === undefined || owner === watcher;
  const wanted = wish.running.map((platform) => labelOf(prefix, platform));
  const watched = wish.watched.map((name) => labelOf(prefix, `linux/${name}`));
  const isWatched = (label: string) => watched.some((each) => label === each || label.startsWith(`${each}-v`));
  const added = wanted.filter((label) => node.labels[label] !== 'true');
  const removed = labelsIn(node, prefix).filter((label) => !wanted.includes(label) && (owns || isWatched(label)));
  const remaining = node.taints.filter(({ key }) => key !== taint);
  const untaints = remaining.length < node.taints.length;
  if (added.length + removed.length === 0 && !untaints && (!owns || owner === watcher)) return undefined;
  const labels = { ...valued(added, 'true'), ...valued(removed, null) };
  const annotations = owns ? valued([annotationOf(prefix)], watcher) : {};
  const { resourceVersion } = node;
  return {
    // A merge patch replaces a whole list: the version makes sure that no taint of others is lost.
    patch: { metadata: { resourceVersion, labels, annotations }, ...(untaints && { spec: { taints: remaining } }) },
    added,
    removed,
    ...(untaints && { taint }),
  };
}

/** Takes away the labels of a watcher that ends; undefined if they are another's by now. */
export function releaseBy(watcher: string, node: ClusterNode, prefix: string): NodeChange | undefined {
  if (ownerOf(node, prefix) !== watcher) return undefined;
  const removed = labelsIn(node, prefix);
  const { resourceVersion } = node;
  const annotations = valued([annotationOf(prefix)], null);
  return { patch: { metadata: { resourceVersion, labels: valued(removed, null), annotations } }, added: [], removed };
}

const labelOf = (prefix: string, platform: string) => `${prefix}/${platform.replaceAll('/', '-')}`;
const annotationOf = (prefix: string) => `${prefix}/watcher`;

function ownerOf({ annotations }: ClusterNode, prefix: string): string | undefined {
  return annotations[annotationOf(prefix)];
}

/** Other labels with the same prefix are not binfmt's. */
function labelsIn({ labels }: ClusterNode, prefix: string): readonly string[] {
  return Object.keys(labels).filter((label) => label.startsWith(labelOf(prefix, 'linux/')));
}

function valued<Value>(keys: readonly string[], value: Value): Readonly<Record<string, Value>> {
  return Object.fromEntries(keys.map((key) => [key, value]));
}

/** The fields of an object; none of anything else. */
function fieldsOf(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textsOf(fields: Partial<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]));
}

function isTaint(value: unknown): value is Taint {
  return typeof fieldsOf(value)['key'] === 'string';
}
