/** Where the API server of Kubernetes is, and the files with which a pod proves to it who it is. */
import fs from 'node:fs';
import path from 'node:path';
import { type ClusterAccess, serverUrl } from '../../core/cluster/cluster.js';
import { notInCluster, serviceAccountUnreadable } from '../../core/cluster/cluster-problems.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { errnoOf } from '../host/files.js';

export interface Cluster {
  /** Of the API server. */
  readonly url: string;
  /** The directory of the service account. */
  readonly serviceAccount: string;
}

export type FoundCluster =
  | { readonly kind: 'found'; readonly cluster: Cluster }
  | { readonly kind: 'none'; readonly problem: Problem };

/** Asks no server: an API server that is away may come back. */
export function findCluster(access: ClusterAccess): FoundCluster {
  const { serviceAccount } = access;
  const server = serverUrl(access);
  if (server.kind === 'unusable') {
    const { variable, value } = server;
    const advice = [{ do: 'consider', what: 'use-in-pod' }] as const;
    return { kind: 'none', problem: problemOf(notInCluster, variable, { variable, value }, advice) };
  }
  const account = readServiceAccount(serviceAccount);
  if (account.kind === 'unreadable') return { kind: 'none', problem: account.problem };
  return { kind: 'found', cluster: { url: server.url, serviceAccount } };
}

export type ServiceAccount =
  | { readonly kind: 'readable'; readonly token: string; readonly ca: string }
  | { readonly kind: 'unreadable'; readonly problem: Problem };

/** The kubelet replaces the files now and then. */
export function readServiceAccount(directory: string): ServiceAccount {
  const texts: string[] = [];
  for (const name of ['token', 'ca.crt']) {
    const file = path.join(directory, name);
    try {
      texts.push(fs.readFileSync(file, 'utf8').trim());
    } catch (error) {
      const facts = { file, errno: errnoOf(error) };
      const advice = [{ do: 'consider', what: 'give-service-account' }] as const;
      return { kind: 'unreadable', problem: problemOf(serviceAccountUnreadable, file, facts, advice) };
    }
  }
  const [token = '', ca = ''] = texts;
  return { kind: 'readable', token, ca };
}
