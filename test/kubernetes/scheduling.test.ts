/**
 * Labels and taints, against a real API server. The watcher runs beside the cluster, with a binfmt_misc of its own, so that
 * its entries and its network can be broken. The node is the cluster's: its taints here keep no pod away.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import {
  api,
  apply,
  getNode,
  makeToken,
  mustKubectl,
  type Relay,
  relayTo,
  serverAddress,
  type Token,
  writeServiceAccount,
} from '../support/api-server.js';
import { MOUNT } from '../support/kernel.js';
import { guest, guest2, variantGuest } from '../support/machine.js';
import { EMULATORS, must, ROOT, run } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { until, Watcher } from '../support/watcher.js';

const PREFIX = 'scheduling-test.example';
const NAMESPACE = 'binfmt-scheduling-test';
const TAINT = `${PREFIX}/starting`;
const OTHER_TAINT = `${PREFIX}/other`;
const label = (name: string) => `${PREFIX}/linux-${name}`;

describe('a watcher that labels its node', () => {
  const watchers: Watcher[] = [];
  let node = '';
  let relay: Relay;
  let good: Token;
  let powerless: Token;
  let account = '';

  const values = async () => (await getNode(node)).metadata.labels;
  const labels = async () =>
    Object.keys(await values())
      .filter((each) => each.startsWith(`${PREFIX}/`))
      .sort();
  const taints = async () => {
    const all = (await getNode(node)).spec.taints ?? [];
    return all
      .map(({ key }) => key)
      .filter((key) => key.startsWith(PREFIX))
      .sort();
  };
  const untainted = () => until(async () => !(await taints()).includes(TAINT), 'the taint to go');
  const owner = async () => (await getNode(node)).metadata.annotations?.[`${PREFIX}/watcher`];
  const labelled = (...names: readonly string[]) => {
    const wanted = names.map(label).sort().join();
    const log = () => watchers.map(({ log }) => log).join('\n');
    return until(
      async () => (await labels()).join() === wanted,
      () => `the labels ${wanted}; the log is:\n${log()}`,
    );
  };
  // No effect that would keep other pods away, or end them.
  const taint = (...keys: readonly string[]) =>
    mustKubectl('taint', 'node', node, '--overwrite', ...keys.map((key) => `${key}=x:PreferNoSchedule`));

  /** The environment of a pod, with the network between it and the API server. */
  const environment = (): NodeJS.ProcessEnv => ({
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(relay.port),
    BINFMT_SERVICE_ACCOUNT: account,
  });

  /** The node is looked at every second, not every ten minutes. */
  const watch = (list: string, options: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => {
    const script = `mount -t binfmt_misc none ${MOUNT}; exec "$@"`;
    const within = ['unshare', '--user', '--map-root-user', '--mount', 'bash', '-euc', script, 'bash'];
    const all = ['--node', node, '--node-prefix', PREFIX, '--interval', '0.1', '--backoff', '1', ...options];
    const watcher = new Watcher(list, ['--allow-userns', ...all], { ...environment(), ...env }, within);
    watchers.push(watcher);
    return watcher;
  };

  /** In the namespaces of a watcher. */
  const inside = ({ pid }: Watcher, script: string) =>
    must('nsenter', ['--user', '--preserve-credentials', '--mount', `--target=${pid}`, 'sh', '-euc', script]);

  const requests = async (watcher: Watcher, method: string, result: string) => {
    const { body } = await watcher.get('/metrics');
    return Number(
      new RegExp(`binfmt_api_requests_total\\{method="${method}",result="${result}"\\} (\\d+)`).exec(body)?.[1],
    );
  };

  const emulatorsFor = (...guests: readonly { readonly emulator: string }[]) => {
    const directory = scratch();
    for (const { emulator } of guests) fs.copyFileSync(path.join(EMULATORS, emulator), path.join(directory, emulator));
    return directory;
  };

  before(async function () {
    this.timeout(60_000);
    node = mustKubectl('get', 'nodes', '--output=jsonpath={.items[0].metadata.name}');
    const { rules } = rbacObjects().find(({ kind }) => kind === 'ClusterRole') ?? {};
    const metadata = { name: NAMESPACE, namespace: NAMESPACE };
    apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: 'powerless' } },
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: NAMESPACE }, rules },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: NAMESPACE },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAMESPACE },
        subjects: [{ kind: 'ServiceAccount', name: NAMESPACE, namespace: NAMESPACE }],
      },
    );
    good = await makeToken(NAMESPACE, NAMESPACE, 'good');
    powerless = await makeToken(NAMESPACE, 'powerless', 'powerless');
    relay = await relayTo(serverAddress());
  });

  beforeEach(() => {
    relay.network = 'works';
    relay.delay = 0;
    relay.unanswered = 0;
    account = scratch();
    writeServiceAccount(account, good);
  });

  afterEach(async () => {
    relay.network = 'works';
    for (const watcher of watchers.splice(0)) await watcher.stop();
    const left = {
      label: await labels(),
      taint: await taints(),
      annotate: (await owner()) ? [`${PREFIX}/watcher`] : [],
    };
    for (const [what, keys] of Object.entries(left)) {
      if (keys.length > 0) mustKubectl(what, 'node', node, ...keys.map((key) => `${key}-`));
    }
  });

  after(function () {
    this.timeout(60_000);
    relay?.close();
    if (good) {
      mustKubectl('delete', 'clusterrole,clusterrolebinding', NAMESPACE);
      mustKubectl('delete', 'namespace', NAMESPACE, '--wait=false');
    }
  });

  it('adds a label for each platform and variant that runs, and takes all away at the end', async () => {
    const { name, lower, higher } = variantGuest;
    const watcher = watch(`${guest.name},${name}`);
    await labelled(guest.name, name, `${name}-v${lower}`, `${name}-v${higher}`);
    expect(await owner()).to.match(/^\S+\/[0-9a-f]{5,8}$/);
    await watcher.said(/ node: added /);
    expect(await watcher.stop()).to.equal(0);
    expect(await labels()).to.deep.equal([]);
    expect(await owner()).to.equal(undefined);
    expect(watcher.log).to.match(/stopping: SIGTERM\n.* node: removed .*\n$/);
  });

  it('removes the taint once everything runs, and not before; and no other taint', async () => {
    taint(TAINT, OTHER_TAINT);
    const directory = emulatorsFor(guest);
    const watcher = watch(`${guest.name},${guest2.name}`, ['--remove-taint', TAINT], { QEMU_BINARY_PATH: directory });
    await labelled(guest.name);
    const before = await requests(watcher, 'GET', 'ok');
    await until(async () => (await requests(watcher, 'GET', 'ok')) > before + 1, 'two more looks at the node');
    expect(await taints()).to.deep.equal([OTHER_TAINT, TAINT]);
    fs.copyFileSync(path.join(EMULATORS, guest2.emulator), path.join(directory, guest2.emulator));
    await labelled(guest.name, guest2.name);
    await untainted();
    expect(await taints()).to.deep.equal([OTHER_TAINT]);
    await watcher.said(new RegExp(`node: added .*; removed the taint ${TAINT}\n`));
  });

  it('takes a label away when the platform cannot be restored, and adds it again', async () => {
    const directory = emulatorsFor(guest, guest2);
    const watcher = watch(`${guest.name},${guest2.name}`, [], { QEMU_BINARY_PATH: directory });
    await labelled(guest.name, guest2.name);
    const file = path.join(directory, guest2.emulator);
    fs.renameSync(file, `${file}.away`);
    inside(watcher, `echo -1 >${MOUNT}/${guest2.emulator}`);
    await labelled(guest.name);
    fs.renameSync(`${file}.away`, file);
    await labelled(guest.name, guest2.name);
  });

  it('writes nothing for an entry that it restores at once', async () => {
    const watcher = watch(guest.name);
    await labelled(guest.name);
    inside(watcher, `echo -1 >${MOUNT}/${guest.emulator}`);
    await watcher.said(/restored/);
    const before = await requests(watcher, 'GET', 'ok');
    await until(async () => (await requests(watcher, 'GET', 'ok')) > before + 2, 'three looks at the node');
    expect(await requests(watcher, 'PATCH', 'ok')).to.equal(1);
  });

  it('brings back what others have changed, and removes what is wrong', async () => {
    const watcher = watch(`${guest.name},${guest2.name}`);
    await labelled(guest.name, guest2.name);
    mustKubectl(
      'label',
      'node',
      node,
      '--overwrite',
      `${label(guest.name)}-`,
      `${label(guest2.name)}=no`,
      `${label('vax')}=true`,
    );
    await labelled(guest.name, guest2.name);
    await until(async () => (await values())[label(guest2.name)] === 'true', 'the value "true"');
    expect(await requests(watcher, 'PATCH', 'ok')).to.be.within(2, 4);
  });

  it('removes at its start what a watcher before it has left', async () => {
    mustKubectl('label', 'node', node, `${label(guest2.name)}=true`, `${PREFIX}/pool=a`);
    mustKubectl('annotate', 'node', node, `${PREFIX}/watcher=gone/1234`);
    watch(guest.name);
    await until(async () => (await owner()) !== 'gone/1234', 'another owner');
    expect(await labels()).to.deep.equal([label(guest.name), `${PREFIX}/pool`]);
  });

  it('leaves the labels to a watcher that has started after it', async () => {
    const first = watch(guest.name);
    await labelled(guest.name);
    const firstOwner = await owner();
    const second = watch(`${guest.name},${guest2.name}`);
    await labelled(guest.name, guest2.name);
    const secondOwner = await owner();
    expect(secondOwner).not.to.equal(firstOwner);
    const before = await requests(first, 'GET', 'ok');
    await until(async () => (await requests(first, 'GET', 'ok')) > before + 2, 'three looks of the first');
    expect(await first.stop()).to.equal(0);
    expect(await labels()).to.deep.equal([label(guest.name), label(guest2.name)].sort());
    expect(await owner()).to.equal(secondOwner);
    expect(await requests(second, 'PATCH', 'ok')).to.equal(1);
    expect(await second.stop()).to.equal(0);
    expect(await labels()).to.deep.equal([]);
  });

  it('loses no change of others, and succeeds when they pause', async () => {
    taint(TAINT);
    relay.delay = 150;
    let taken = true;
    const others = async () => {
      for (let times = 0; taken; times++) {
        const found = await getNode(node);
        const rest = (found.spec.taints ?? []).filter(({ key }) => key !== OTHER_TAINT);
        const added = times % 2 === 0 ? [{ key: OTHER_TAINT, effect: 'PreferNoSchedule' }] : [];
        // It fails if the kubelet has changed the node meanwhile.
        const changed = { ...found, spec: { ...found.spec, taints: [...rest, ...added] } };
        await api(`/api/v1/nodes/${node}`, 'PUT', changed).catch(() => {});
      }
    };
    const ended = others();
    try {
      const watcher = watch(guest.name, ['--remove-taint', TAINT]);
      await watcher.said(/others keep changing the node \(409\)/);
      expect(watcher.log.match(/\(409\)/g)).to.have.length(1);
      expect(await requests(watcher, 'PATCH', 'conflict')).to.be.at.least(5);
      taken = false;
      await ended;
      const there = (await taints()).includes(OTHER_TAINT);
      relay.delay = 0;
      await labelled(guest.name);
      await untainted();
      expect((await taints()).includes(OTHER_TAINT)).to.equal(there);
      await watcher.said(/node: the API server answers again/);
    } finally {
      taken = false;
      relay.delay = 0;
      await ended;
    }
  });

  it('goes on restoring while the API server is away, says so once, and catches up', async () => {
    relay.network = 'away';
    const watcher = watch(guest.name);
    await watcher.said(/warning: the labels of node .* does not answer \(E/);
    inside(watcher, `echo -1 >${MOUNT}/${guest.emulator}`);
    await watcher.said(/restored/);
    await until(async () => (await requests(watcher, 'GET', 'silent')) > 3, 'more tries');
    expect(watcher.log.match(/warning/g)).to.have.length(1);
    expect(await watcher.get('/readyz')).to.include({ status: 200 });
    relay.network = 'works';
    await labelled(guest.name);
    await watcher.said(/node: the API server answers again\n.* node: added/);
  });

  it('goes on restoring while the API server does not answer, and ends in spite of it', async function () {
    this.timeout(60_000);
    const watcher = watch(guest.name);
    await labelled(guest.name);
    relay.network = 'deaf';
    await until(() => relay.unanswered > 0, 'a request without an answer');
    const begun = Date.now();
    inside(watcher, `echo -1 >${MOUNT}/${guest.emulator}`);
    await watcher.said(/restored/);
    expect(Date.now() - begun).to.be.below(1500);
    expect(await requests(watcher, 'GET', 'silent')).to.equal(0);
    const ending = Date.now();
    watcher.kill('SIGTERM');
    expect(await watcher.ended).to.equal(0);
    expect(Date.now() - ending).to.be.within(4000, 7000);
    expect(watcher.log).to.match(/stopping: SIGTERM\n.*warning: .*\(ETIMEDOUT: it took too long\)\n$/);
  });

  it('gives up on an answer after ten seconds, and tries again', async function () {
    this.timeout(60_000);
    relay.network = 'deaf';
    const watcher = watch(guest.name);
    await watcher.said(/ready/);
    await sleep(9000);
    await watcher.said(/warning: .*\(ETIMEDOUT: it took too long\)/);
    relay.network = 'works';
    await labelled(guest.name);
  });

  it('reads the token again for each request', async () => {
    writeServiceAccount(account, { ...good, token: 'rubbish' });
    const watcher = watch(guest.name);
    await watcher.said(/warning: .* does not accept the token of the service account \(401\)/);
    await until(async () => (await requests(watcher, 'GET', 'refused')) > 2, 'more tries');
    writeServiceAccount(account, powerless);
    await watcher.said(
      /warning: .* the service account is not allowed to get the node \(403\): nodes .* is forbidden: .*; allow its service/,
    );
    fs.rmSync(path.join(account, 'token'));
    await watcher.said(/warning: .* cannot read "\S+token" \(ENOENT\); give the pod a service account/);
    writeServiceAccount(account, good);
    await labelled(guest.name);
    expect(watcher.log.match(/warning/g)).to.have.length(3);
    expect(watcher.log).not.to.contain('rubbish');
  });

  it('sends its token to no server whose certificate is not from the cluster', async () => {
    const pem = path.join(scratch(), 'ca.pem');
    must('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
      ...['-subj', '/CN=another', '-keyout', '/dev/null', '-out', pem],
    ]);
    writeServiceAccount(account, { ...good, ca: fs.readFileSync(pem, 'utf8') });
    const watcher = watch(guest.name);
    await watcher.said(/warning: .* does not answer \([A-Z_]*(CERT|SIGNATURE)[A-Z_]*\)/);
    expect(await labels()).to.deep.equal([]);
    writeServiceAccount(account, good);
    await labelled(guest.name);
  });

  it('says if there is no node of this name', async () => {
    const watcher = watch(guest.name, ['--node', 'no-such-node']);
    await watcher.said(/warning: the labels of node "no-such-node" .* no node of this name \(404\)/);
  });

  it('takes the labels away before the entries go, with --on-exit uninstall', async () => {
    const watcher = watch(guest.name, ['--on-exit', 'uninstall']);
    await labelled(guest.name);
    // So that there is time to look while the request is on its way.
    relay.delay = 500;
    watcher.kill('SIGTERM');
    await watcher.said(/stopping/);
    inside(watcher, `test -e ${MOUNT}/${guest.emulator}`);
    expect(await labels()).to.deep.equal([label(guest.name)]);
    expect(await watcher.ended).to.equal(0);
    expect(await labels()).to.deep.equal([]);
  });

  it('may read and patch nodes, and nothing else', () => {
    const as = `--as=system:serviceaccount:${NAMESPACE}:${NAMESPACE}`;
    const rows = mustKubectl('auth', 'can-i', '--list', '--no-headers', as).trim().split('\n');
    const words = rows.map((row) => row.trim().replace(/\s{2,}/g, ' '));
    // Every account may ask what it may do, and read which APIs there are.
    const everybody = /^(self\S+ \[\] \[\] \[create\]|\[\/\S+\] \[\] \[get\])$/;
    const own = words.filter((row) => !everybody.test(row));
    expect(own).to.deep.equal(['nodes [] [] [get patch]']);
    for (const [verb, what, ...more] of [
      ['list', 'nodes'],
      ['delete', 'nodes'],
      ['update', 'nodes'],
      ['patch', 'nodes', '--subresource=status'],
      ['get', 'secrets'],
      ['create', 'pods'],
    ] as const) {
      const { exit, stdout } = run('kubectl', ['auth', 'can-i', verb, what, ...more, as, '--all-namespaces']);
      expect([exit, stdout.trim()], `${verb} ${what}`).to.deep.equal([1, 'no']);
    }
  });
});

/** The objects that the component adds. */
function rbacObjects(): { kind: string; rules?: object[] }[] {
  const file = path.join(ROOT, 'deploy/kubernetes/scheduling/rbac.yaml');
  const { items } = JSON.parse(
    mustKubectl('create', '--dry-run=client', '--output=json', '--filename', file)
      .replace(/^\}\n\{/gm, '},\n{')
      .replace(/^([\s\S]*)$/, '{"items":[$1]}'),
  );
  return items;
}
