/** Why a watcher cannot keep the labels of its node up to date (`--node`). */
import type { ProblemDefinition } from '../problem.js';
import { quote, shortened } from '../text.js';

export const notInCluster: ProblemDefinition<{ variable: string; value?: string }> = {
  id: 'not-in-cluster',
  exitStatus: 2,
  title: () => 'there is no API server',
  cause: ({ variable, value }) =>
    value === undefined
      ? `--node works in a pod of Kubernetes only: ${variable} is not set`
      : `--node cannot find the API server: ${variable} is ${quote(value)}`,
};

export const serviceAccountUnreadable: ProblemDefinition<{ file: string; errno: string }> = {
  id: 'service-account-unreadable',
  exitStatus: 2,
  title: ({ file }) => `${quote(file)} cannot be read`,
  cause: ({ file, errno }) => `--node needs the service account of its pod: cannot read ${quote(file)} (${errno})`,
};

export const apiServerSilent: ProblemDefinition<{ server: string; node: string; errno: string }> = {
  id: 'api-server-silent',
  title: ({ server }) => `the API server at ${server} does not answer`,
  cause: ({ server, node, errno }) =>
    `${notUpToDate(node)}: the API server at ${server} does not answer (${errnos[errno] ?? errno})`,
};

export const apiServerRefuses: ProblemDefinition<{
  node: string;
  method: string;
  status: number;
  message?: string;
}> = {
  id: 'api-server-refuses',
  title: ({ status }) => `the API server refuses (${status})`,
  cause: ({ node, method, status, message }) => {
    const why = refusals[status]?.(method) ?? `the API server answered ${method} with ${status}`;
    return `${notUpToDate(node)}: ${why}${message === undefined ? '' : `: ${shortened(message, 300)}`}`;
  },
};

export const apiAnswerUnusable: ProblemDefinition<{ server: string; node: string }> = {
  id: 'api-answer-unusable',
  title: ({ server }) => `the answer of ${server} cannot be used`,
  cause: ({ server, node }) => `${notUpToDate(node)}: the answer of ${server} does not describe this node`,
};

const notUpToDate = (node: string) => `the labels of node ${quote(node)} may be out of date`;

const errnos: Readonly<Record<string, string>> = { ETIMEDOUT: 'ETIMEDOUT: it took too long' };

const refusals: Readonly<Record<number, (method: string) => string>> = {
  401: () => 'the API server does not accept the token of the service account (401)',
  403: (method) => `the service account is not allowed to ${method.toLowerCase()} the node (403)`,
  404: () => 'the API server knows no node of this name (404)',
  409: () => 'others keep changing the node (409)',
};
