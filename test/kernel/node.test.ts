import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames } from '../support/kernel.js';
import { guest } from '../support/machine.js';
import { binfmt } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const account = scratch();
const halfAccount = scratch();
for (const file of [`${account}/token`, `${account}/ca.crt`, `${halfAccount}/token`]) fs.writeFileSync(file, 'x');

describe('--node where there is no cluster', () => {
  before(clearEntries);

  for (const [what, env, message] of [
    [
      'no API server is named',
      {},
      /^binfmt: --node works in a pod .*: KUBERNETES_SERVICE_HOST is not set; leave --node out/,
    ],
    [
      'the host is a URL',
      { KUBERNETES_SERVICE_HOST: 'https://10.0.0.1' },
      /KUBERNETES_SERVICE_HOST is "https:\/\/10\.0\.0\.1"/,
    ],
    [
      'the port is not a number',
      { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: 'tcp://10.0.0.1:443' },
      /KUBERNETES_SERVICE_PORT is "tcp:\/\/10\.0\.0\.1:443"/,
    ],
    [
      'there is no service account',
      { KUBERNETES_SERVICE_HOST: '10.0.0.1', BINFMT_SERVICE_ACCOUNT: '' },
      /cannot read "\/var\/run\/secrets\/kubernetes\.io\/serviceaccount\/token" \(ENOENT\); give the pod a service account/,
    ],
    [
      'a file of it is missing',
      { KUBERNETES_SERVICE_HOST: '10.0.0.1', BINFMT_SERVICE_ACCOUNT: halfAccount },
      new RegExp(`cannot read "${path.join(halfAccount, 'ca.crt')}" \\(ENOENT\\)`),
    ],
  ] as const) {
    it(`ends with status 2 and registers nothing if ${what}`, () => {
      const clean = { KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '443', BINFMT_SERVICE_ACCOUNT: account };
      const ended = binfmt(['--install', guest.name, '--watch', '--node', 'n'], { ...clean, ...env });
      expect(ended.stderr).to.match(message);
      expect(ended).to.include({ exit: 2, stdout: '' });
      expect(entryNames()).to.deep.equal([]);
    });
  }
});
