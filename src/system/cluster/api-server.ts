/** Requests to the API server of Kubernetes. */
import https from 'node:https';
import fetch from 'node-fetch';
import type { NodeAnswer } from '../../core/cluster/api-answer.js';

export interface NodeRequest {
  /** Of the API server. */
  readonly url: string;
  /** Of the service account. */
  readonly token: string;
  readonly ca: string;
  /** The name of the node. */
  readonly node: string;
  /** A JSON merge patch; undefined: read the node. */
  readonly patch?: object;
  readonly signal: AbortSignal;
}

/** More than etcd keeps of one object. The watcher has little memory. */
const LARGEST_ANSWER = 1 << 21; // bytes

/** Never rejects. */
export async function requestNode({ url, token, ca, node, patch, signal }: NodeRequest): Promise<NodeAnswer> {
  try {
    const response = await fetch(`${url}/api/v1/nodes/${encodeURIComponent(node)}`, {
      ...(patch && { method: 'PATCH', body: JSON.stringify(patch) }),
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        ...(patch && { 'content-type': 'application/merge-patch+json' }),
      },
      agent: new https.Agent({ ca }),
      // The token is for this server alone.
      redirect: 'manual',
      size: LARGEST_ANSWER,
      signal,
    });
    return { kind: 'answer', status: response.status, body: await response.text() };
  } catch (error) {
    if (signal.aborted) return { kind: 'silent', errno: 'ETIMEDOUT' };
    const { code, type } = error as { code?: string; type?: string };
    return { kind: 'silent', errno: code ?? type ?? String(error) };
  }
}
