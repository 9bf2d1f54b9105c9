/** `binfmt healthcheck`: asks the watcher in the same container whether it is ready. */
import fs from 'node:fs';
import http from 'node:http';
import fetch from 'node-fetch';
import { type Address, DEFAULT_ADDRESSES, formatAddress } from '../core/address.js';
import type { Report } from './report.js';

export interface HealthcheckArguments {
  readonly address?: Address | undefined;
  /** Where nothing watches, that is a failure too. */
  readonly strict: boolean;
}

const LIMIT = 5000; // milliseconds

export async function healthcheck({ address, strict }: HealthcheckArguments): Promise<Report> {
  const there = address ?? DEFAULT_ADDRESSES.find((each) => each.kind === 'unix' && fs.existsSync(each.path));
  if (there === undefined) return { lines: ['binfmt: nothing watches here'], exit: strict ? 1 : 0 };
  try {
    const url = there.kind === 'tcp' ? `http://${formatAddress(there)}/readyz` : 'http://localhost/readyz';
    const agent = there.kind === 'unix' ? new http.Agent({ socketPath: there.path } as http.AgentOptions) : undefined;
    const response = await fetch(url, { agent, signal: AbortSignal.timeout(LIMIT) });
    return { stdout: await response.text(), lines: [], exit: response.ok ? 0 : 1 };
  } catch (error) {
    const { code = 'no answer' } = error as NodeJS.ErrnoException;
    return { lines: [`binfmt: the watcher at ${formatAddress(there)} does not answer (${code})`], exit: 1 };
  }
}
