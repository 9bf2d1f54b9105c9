/** What the API server of Kubernetes answers to a request about a node, and what it means. */
import { keyOf, type Problem, problemOf } from '../problem.js';
import { apiAnswerUnusable, apiServerRefuses, apiServerSilent } from './cluster-problems.js';
import { type ClusterNode, parseNode } from './node-labels.js';

export type NodeAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  /** `errno`: also a code of Node.js, such as `CERT_HAS_EXPIRED`. */
  | { readonly kind: 'silent'; readonly errno: string };

export const apiMethods = ['GET', 'PATCH'] as const;
export type ApiMethod = (typeof apiMethods)[number];

/** What became of a request; labels of a metric. */
export const apiResults = ['ok', 'conflict', 'refused', 'unusable', 'silent'] as const;
export type ApiResult = (typeof apiResults)[number];

/** How many requests there were. */
export type ApiRequests = Readonly<Record<ApiMethod, Readonly<Record<ApiResult, number>>>>;

const none = Object.fromEntries(apiResults.map((result) => [result, 0])) as Record<ApiResult, number>;
export const NO_REQUESTS: ApiRequests = { GET: none, PATCH: none };

export function counted(requests: ApiRequests, method: ApiMethod, result: ApiResult): ApiRequests {
  const { [method]: before } = requests;
  return { ...requests, [method]: { ...before, [result]: before[result] + 1 } };
}

export type Judged =
  | { readonly result: 'ok'; readonly node: ClusterNode }
  | { readonly result: Exclude<ApiResult, 'ok'>; readonly problem: Problem };

/** `name`: the node that was asked for. */
export function judge(answer: NodeAnswer, method: ApiMethod, server: string, name: string): Judged {
  if (answer.kind === 'silent') {
    return { result: 'silent', problem: problemOf(apiServerSilent, name, { server, node: name, errno: answer.errno }) };
  }
  const { status, body } = answer;
  if (status !== 200) {
    const facts = { node: name, method, status, message: messageIn(body) };
    const advice = status === 401 || status === 403 ? ([{ do: 'consider', what: 'allow-nodes' }] as const) : [];
    return {
      result: status === 409 ? 'conflict' : 'refused',
      problem: problemOf(apiServerRefuses, name, facts, advice),
    };
  }
  const node = parseNode(body, name);
  if (node) return { result: 'ok', node };
  return { result: 'unusable', problem: problemOf(apiAnswerUnusable, name, { server, node: name }) };
}

/** Why the API server refuses, in its own words, which may be different each time. */
function messageIn(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body);
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The same for problems with the same cause. */
export function causeKey(problem: Problem): string {
  return keyOf({ ...problem, facts: { ...problem.facts, message: undefined } });
}
