import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  DOCKER_RUN,
  debianImage,
  docker,
  guestImage,
  IMAGE,
  onCleanHost,
  privileged,
  runsGuest,
  uninstallAll,
} from '../support/docker.js';
import { reportIn } from '../support/doctor.js';
import { entryNames, entryText, MOUNT } from '../support/kernel.js';
import { guest, guest2 } from '../support/machine.js';
import { must, ROOT, run, shell } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const { name, emulator: entry } = guest;

/** Unpacks what the image exports, as its documentation says. */
function unpacked(...words: string[]): { dir: string; stderr: string } {
  const dir = scratch();
  const ended = shell(`${DOCKER_RUN} --rm ${IMAGE} export ${words.join(' ')} | tar -x -C ${dir}`);
  expect(ended.exit).to.equal(0);
  return { dir, stderr: ended.stderr };
}

/** A Debian machine with the files of `dir` unpacked at /; runs a script on it. */
function onDebian(dir: string, script: string) {
  const tag = debianImage();
  const unpack = 'tar -c -C /exported . | tar -x -C /';
  const args = ['run', '--rm', '--privileged', '-v', `${dir}:/exported:ro`, tag, 'sh', '-euc', `${unpack}; ${script}`];
  return docker(...args);
}

describe('export', () => {
  onCleanHost();
  let foreign: string;
  const runsForeign = () => runsGuest(guest, foreign);
  before(() => {
    foreign = guestImage(guest);
  });
  afterEach(() => uninstallAll());

  it('for systemd is registered by the real systemd-binfmt, instead of a file of the distribution, and programs run', () => {
    const { dir, stderr } = unpacked('systemd', `${name},${guest2.name}`);
    expect(stderr).to.contain('next: sudo systemctl restart systemd-binfmt');
    const distribution = `mkdir -p /usr/lib/binfmt.d; sed s,/usr/local/lib/binfmt,/usr/bin, \\
      /etc/binfmt.d/${entry}.conf >/usr/lib/binfmt.d/${entry}.conf; cp /bin/true /usr/bin/${entry}`;
    const script = `${distribution}; mount -t binfmt_misc none ${MOUNT}; exec /usr/lib/systemd/systemd-binfmt`;
    expect(onDebian(dir, script)).to.include({ exit: 0, stderr: '' });
    expect(entryNames()).to.deep.equal([entry, guest2.emulator].sort());
    expect(entryText(entry)).to.contain(`interpreter /usr/local/lib/binfmt/${entry}\nflags: POCF\n`);
    expect(runsForeign()).to.equal(true);
    expect(reportIn(privileged(['doctor', '--json'])).problems).to.deep.equal([]);
  });

  it('for debian is registered by the real update-binfmts, and programs run', () => {
    const { dir, stderr } = unpacked('debian', name);
    const next = /^next: (.*)$/m.exec(stderr)?.[1]?.replaceAll('sudo ', '');
    expect(next).to.equal(`update-binfmts --import ${entry}`);
    const ended = onDebian(dir, `mount -t binfmt_misc none ${MOUNT}; ${next}`);
    expect(ended).to.include({ exit: 0, stderr: '' });
    expect(entryText(entry)).to.contain(`interpreter /usr/local/lib/binfmt/${entry}\nflags: POCF\n`);
    expect(runsForeign()).to.equal(true);
  });

  it('for debian prints the command that removes the entry of another package', () => {
    const { dir, stderr } = unpacked('debian', name);
    const remove = /^ {2}(sudo update-binfmts .*)$/m.exec(stderr)?.[1]?.replace('sudo ', '');
    const another = `cp /usr/local/lib/binfmt/${entry} /usr/bin/${entry}-static
      sed -e 's,/usr/local/lib/binfmt/${entry},/usr/bin/${entry}-static,' -e 's/^package .*/package qemu-user-static/' \\
        /usr/share/binfmts/${entry} >/tmp/${entry}; update-binfmts --importdir /tmp --import ${entry}`;
    const exported = `update-binfmts --import ${entry}`;
    const show = `grep interpreter ${MOUNT}/${entry}`;
    const script = `mount -t binfmt_misc none ${MOUNT}; ${another}; ${exported}; ${show}; ${remove}; ${exported}; ${show}`;
    const ended = onDebian(dir, script);
    expect(ended.stdout).to.equal(`interpreter /usr/bin/${entry}-static\ninterpreter /usr/local/lib/binfmt/${entry}\n`);
    expect(ended.stderr).to.match(/warning/);
  });

  it('is the same byte for byte each time, with manifest, modes and owner, and without directories', () => {
    const dir = scratch();
    const archive = (file: string, words: string) => {
      shell(`${DOCKER_RUN} --rm ${IMAGE} export ${words} >${dir}/${file}`);
      return crypto.hash('sha256', fs.readFileSync(path.join(dir, file)));
    };
    expect(archive('one', `systemd ${name},${guest2.name}`)).to.equal(archive('two', `systemd ${guest2.name} ${name}`));
    const listed = must('tar', ['--numeric-owner', '-tvf', path.join(dir, 'one')])
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +\d+ (?=\d{4}-)/, ' SIZE '));
    const entries = [entry, guest2.emulator].sort();
    expect(listed).to.deep.equal([
      ...entries.map((each) => `-rwxr-xr-x 0/0 SIZE 2020-01-01 00:00 usr/local/lib/binfmt/${each}`),
      ...entries.map((each) => `-rw-r--r-- 0/0 SIZE 2020-01-01 00:00 etc/binfmt.d/${each}.conf`),
      '-rw-r--r-- 0/0 SIZE 2020-01-01 00:00 usr/local/lib/binfmt/manifest.json',
    ]);
    must('tar', ['-xf', path.join(dir, 'one'), '-C', dir]);
    const { files } = JSON.parse(fs.readFileSync(path.join(dir, 'usr/local/lib/binfmt/manifest.json'), 'utf8'));
    expect(Object.keys(files)).to.have.length(4);
    for (const [file, hash] of Object.entries(files)) {
      expect(crypto.hash('sha256', fs.readFileSync(path.join(dir, file)))).to.equal(hash);
    }
  });

  it('is refused if standard output is a terminal', () => {
    const ended = run('script', [
      '--quiet',
      '--return',
      '--command',
      `${ROOT}/dist/binfmt export none ${name}`,
      '/dev/null',
    ]);
    expect(ended.stdout).to.contain('standard output is a terminal');
    expect(ended.exit).to.equal(2);
  });
});
