/** Asks a watcher about its health, over HTTP. */
import fs from 'node:fs';
import http from 'node:http';
import fetch from 'node-fetch';
import { type Address, DEFAULT_ADDRESSES, formatAddress } from '../../core/address.js';
import { noWatcher, watcherSilent } from '../../core/messages/request-problems.js';
import { problemOf } from '../../core/problem.js';
import { reportProblem } from '../../core/render.js';
import type { Report } from '../../core/report-lines.js';

export interface HealthcheckOptions {
  /** Undefined: the default address at which there is a socket. */
  readonly address?: Address;
  /** Fail if there is no watcher. */
  readonly strict: boolean;
}

const LIMIT = 5000; // milliseconds

export async function askWatcher({ address, strict }: HealthcheckOptions): Promise<Report> {
  const found = address ?? DEFAULT_ADDRESSES.find((each) => each.kind === 'unix' && fs.existsSync(each.path));
  if (found === undefined) {
    if (strict) return reportProblem(problemOf(noWatcher, 'machine', {}));
    return { lines: [{ kind: 'note', note: { kind: 'no-watcher' } }], exit: 0 };
  }
  try {
    const url = found.kind === 'tcp' ? `http://${formatAddress(found)}/readyz` : 'http://localhost/readyz';
    const agent = found.kind === 'unix' ? new http.Agent({ socketPath: found.path } as http.AgentOptions) : undefined;
    const response = await fetch(url, { agent, signal: AbortSignal.timeout(LIMIT) });
    return { stdout: await response.text(), lines: [], exit: response.ok ? 0 : 1 };
  } catch (error) {
    const { code: errno = 'no answer' } = error as NodeJS.ErrnoException;
    return reportProblem(problemOf(watcherSilent, formatAddress(found), { address: formatAddress(found), errno }));
  }
}
