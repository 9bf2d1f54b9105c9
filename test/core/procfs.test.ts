import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { expect } from 'chai';
import {
  binfmtMounts,
  isPrivateDirectory,
  parseConfinement,
  parseMountinfo,
  parsePageSize,
  parseParentPid,
  parseUserId,
  sharedHostDirectories,
  typesMountedAt,
} from '../../src/core/binfmt/procfs.js';

/** A host with systemd: the automount is below the binfmt_misc that it has mounted. */
const HOST = `22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
23 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
33 23 0:29 / /proc/sys/fs/binfmt_misc rw,relatime shared:15 - autofs systemd-1 rw,fd=29,pgrp=1,timeout=0,minproto=5
107 33 0:45 / /proc/sys/fs/binfmt_misc rw,nosuid,nodev,noexec,relatime shared:60 - binfmt_misc binfmt_misc rw
`;

/** A container with `-v /proc/sys/fs/binfmt_misc:/binfmt_misc:shared`, on a host that has nothing mounted there. */
const CONTAINER = `611 508 0:63 / / rw,relatime master:230 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/d,workdir=/w
612 611 0:65 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
617 611 0:21 /sys/fs/binfmt_misc /binfmt_misc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc rw
618 612 0:21 /sys/fs/binfmt_misc /copy ro,nosuid master:14 - proc proc rw
`;

const line = (fields: string, end = '- ext4 /dev/vda1 rw') => `36 35 98:0 ${fields} ${end}\n`;
const [mount] = parseMountinfo(line('/ /mnt rw'));

describe('mountinfo', () => {
  it('lists what is mounted, in the order of the file', () => {
    const mounts = parseMountinfo(HOST);
    expect(mounts.map(({ dir, type }) => `${dir} ${type}`)).to.deep.equal([
      '/sys sysfs',
      '/proc proc',
      '/ ext4',
      '/proc/sys/fs/binfmt_misc autofs',
      '/proc/sys/fs/binfmt_misc binfmt_misc',
    ]);
    expect(mounts[2]).to.deep.equal({
      root: '/',
      dir: '/',
      type: 'ext4',
      source: '/dev/vda1',
      options: ['rw', 'relatime'],
      shared: true,
    });
  });

  const optional: readonly [string, boolean][] = [
    ['/ /mnt rw', false],
    ['/ /mnt rw shared:1', true],
    ['/ /mnt rw master:1', false],
    ['/ /mnt rw shared:2 master:1', true],
    ['/ /mnt rw master:1 propagate_from:2', false],
    ['/ /mnt rw unbindable', false],
    ['/ /mnt rw something-new shared:3', true],
  ];
  for (const [fields, shared] of optional) {
    it(`tells whether a mount is shared: ${fields.slice(7)}`, () => {
      expect(parseMountinfo(line(fields))).to.deep.equal([{ ...mount, shared }]);
    });
  }

  const names: readonly [string, string][] = [
    ['/a\\040b', '/a b'],
    ['/a\\011b\\012c', '/a\tb\nc'],
    ['/a\\134040', '/a\\040'],
    ['/a\\134\\134', '/a\\\\'],
    ['/caf\\303\\251', '/café'],
    ['/café', '/café'],
    ['/a\\04', '/a\\04'],
    ['/a\\999', '/a\\999'],
    ['/-', '/-'],
    ['/shared:1', '/shared:1'],
  ];
  for (const [written, dir] of names) {
    it(`decodes the path ${written}`, () => {
      expect(parseMountinfo(line(`${written} ${written} rw`))).to.deep.equal([{ ...mount, root: dir, dir }]);
      expect(parseMountinfo(Buffer.from(line(`/ ${written} rw`)))).to.deep.equal([{ ...mount, dir }]);
    });
  }

  it('replaces bytes that are not UTF-8, and reads the rest of the line', () => {
    const bytes = Buffer.concat([Buffer.from('36 35 98:0 / /a'), Buffer.from([0xff, 0xfe]), Buffer.from('b rw')]);
    const rest = Buffer.from(' shared:1 - tmpfs none rw\n');
    expect(parseMountinfo(Buffer.concat([bytes, rest]))).to.deep.equal([
      { root: '/', dir: '/a\ufffd\ufffdb', type: 'tmpfs', options: ['rw'], shared: true },
    ]);
  });

  it('leaves out the source if there is none', () => {
    expect(parseMountinfo(line('/ /mnt rw', '- tmpfs none rw'))[0]).to.not.have.property('source');
    expect(parseMountinfo(line('/ /mnt rw', '- tmpfs  rw'))[0]).to.deep.include({ type: 'tmpfs', dir: '/mnt' });
    expect(parseMountinfo(line('/ /mnt rw', '- 9p \\043tag rw'))[0]?.source).to.equal('#tag');
  });

  const malformed = [
    '',
    '\n',
    '\n\n\n',
    'no fields\n',
    '36 35 98:0 / - - -\n',
    '- - - - - - -\n',
    '\0\0\0',
    ' '.repeat(40),
  ];
  for (const text of malformed) {
    it(`finds nothing in ${JSON.stringify(text)}`, () => expect(parseMountinfo(text)).to.deep.equal([]));
  }

  it('skips malformed lines between others', () => {
    const good = line('/ /mnt rw');
    expect(parseMountinfo(`\n${good}\n36 35 98:0 / /mnt\n${good}`)).to.deep.equal([mount, mount]);
  });

  it('skips a line that was cut off anywhere before its last field', () => {
    const whole = '36 35 98:0 / /mnt rw shared:1 - binfmt_misc none rw';
    for (let size = 0; size <= whole.length - 2; size++) {
      expect(parseMountinfo(whole.slice(0, size)), whole.slice(0, size)).to.deep.equal([]);
    }
    expect(parseMountinfo(whole)).to.have.length(1);
  });

  it('never throws, whatever the bytes are', () => {
    const bytes = Buffer.from(HOST);
    for (let i = 0; i < bytes.length; i++) {
      const damaged = Buffer.from(bytes);
      damaged[i] = (damaged[i] ?? 0) ^ 0x95;
      expect(parseMountinfo(damaged).length).to.be.within(3, 6);
    }
  });
});

describe('mounts of binfmt_misc', () => {
  it('are found, each directory once', () => {
    expect(binfmtMounts(HOST)).to.deep.equal(['/proc/sys/fs/binfmt_misc']);
    expect(binfmtMounts(HOST + HOST)).to.deep.equal(['/proc/sys/fs/binfmt_misc']);
    expect(binfmtMounts(CONTAINER)).to.deep.equal([]);
  });

  it('hide what was mounted at the directory before', () => {
    const types = (text: string) => typesMountedAt('/proc/sys/fs/binfmt_misc', text);
    expect(types(HOST)).to.deep.equal(['binfmt_misc', 'autofs']);
    expect(types(CONTAINER)).to.deep.equal([]);
    expect(types('')).to.equal(undefined);
  });

  it('appear on the host if they are made on a shared bind mount of its directory', () => {
    expect(sharedHostDirectories(CONTAINER)).to.deep.equal(['/binfmt_misc']);
    expect(sharedHostDirectories(HOST)).to.deep.equal([]);
  });
});

describe('the parent of a process', () => {
  const status = (name: string, parent: string) =>
    `Name:\t${name}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nNgid:\t0\nPid:\t42\n${parent}TracerPid:\t7\n`;
  const table: readonly [string, string, number][] = [
    ['is read', status('node', 'PPid:\t17\n'), 17],
    ['is 0 for process 1', status('init', 'PPid:\t0\n'), 0],
    ['is 0 in an empty file', '', 0],
    ['is 0 if the line is missing', status('node', ''), 0],
    ['is 0 if the line has no number', status('node', 'PPid:\t\n'), 0],
    ['is 0 if the number was cut off', status('node', 'PPid:\t1234\n').split('34')[0] ?? '', 0],
    ['is not taken from the name of the program', status('PPid:\t99', 'PPid:\t17\n'), 17],
  ];
  for (const [title, text, parent] of table) {
    it(title, () => {
      expect(parseParentPid(text)).to.equal(parent);
      expect(parseParentPid(Buffer.from(text))).to.equal(parent);
    });
  }
});

describe('confinement', () => {
  const unconfined = [
    '',
    '\0',
    'unconfined\n',
    'unconfined',
    'crun (unconfined)\n',
    ':lxd-box:unconfined (unconfined)\n',
    'kernel\0',
    'kernel',
    'unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023\0',
    'system_u:system_r:unconfined_service_t:s0\0',
    'system_u:system_r:kernel_t:s0\0',
    'system_u:system_r:spc_t:s0\0',
    'system_u:system_r:unconfined_t\0',
  ];
  for (const text of unconfined) {
    it(`is none for ${JSON.stringify(text)}`, () => expect(parseConfinement(text)).to.equal(undefined));
  }

  const confined: readonly [string, string][] = [
    ['docker-default (enforce)\n', 'docker-default (enforce)'],
    ['docker-default (complain)\n', 'docker-default (complain)'],
    ['unconfined-looking (enforce)\n', 'unconfined-looking (enforce)'],
    ['/usr/sbin/ntpd (enforce)\n', '/usr/sbin/ntpd (enforce)'],
    ['docker-default//&:lxd-box:unconfined (mixed)\n', 'docker-default//&:lxd-box:unconfined (mixed)'],
    ['system_u:system_r:container_t:s0:c12,c34\0', 'system_u:system_r:container_t:s0:c12,c34'],
    // A confined domain of a user that is not confined.
    ['unconfined_u:system_r:container_t:s0:c1,c2\0', 'unconfined_u:system_r:container_t:s0:c1,c2'],
    ['unconfined_u:unconfined_r:thumb_t:s0\0', 'unconfined_u:unconfined_r:thumb_t:s0'],
    ['docker-default (enf', 'docker-default (enf'],
  ];
  for (const [text, label] of confined) {
    it(`is ${label}`, () => {
      expect(parseConfinement(text)).to.equal(label);
      expect(parseConfinement(Buffer.from(text))).to.equal(label);
    });
  }

  it('is told even if the label is not UTF-8', () => {
    expect(parseConfinement(Uint8Array.from([0xff, 0x61, 0x0a]))).to.equal('\ufffda');
  });
});

describe("a process's user id", () => {
  it('is the real one', () => {
    expect(parseUserId('Name:\tx\nUid:\t1000\t0\t0\t0\n')).to.equal(1000);
    expect(parseUserId('Uid:\t10')).to.equal(undefined);
    expect(parseUserId('')).to.equal(undefined);
  });
});

describe('a directory', () => {
  it('is private if nothing is mounted in it, and its own mount is not shared', () => {
    const mountinfo = line('/ / rw master:1') + line('/ /shared rw shared:2') + line('/ /usr/bin/mounted rw');
    expect(isPrivateDirectory('/usr/lib', mountinfo)).to.equal(true);
    expect(isPrivateDirectory('/usr/bin', mountinfo)).to.equal(false);
    expect(isPrivateDirectory('/usr/bin/mounted', mountinfo)).to.equal(false);
    expect(isPrivateDirectory('/shared/bin', mountinfo)).to.equal(false);
    expect(isPrivateDirectory('/shared-not', mountinfo)).to.equal(true);
    expect(isPrivateDirectory('/usr', HOST)).to.equal(false);
    expect(isPrivateDirectory('/usr', '')).to.equal(false);
  });
});

describe('the size of a page', () => {
  const smaps = (size: string) =>
    `55c4fc47a000-55c4fc47c000 r--p 00000000 fe:00 260386   /usr/bin/head\nSize:   64 kB\nKernelPageSize:       ${size}\nMMU`;

  it('is in the first mapping', () => {
    expect(parsePageSize(smaps('4 kB\n'))).to.equal(4096);
    expect(parsePageSize(smaps('16 kB\n'))).to.equal(16384);
  });

  it('is not known if it is cut off, or nothing can be read', () => {
    for (const text of [undefined, '', smaps('1'), smaps('kB\n')]) expect(parsePageSize(text)).to.equal(undefined);
  });

  it('is that of this machine', () => {
    expect(parsePageSize(fs.readFileSync('/proc/self/smaps', 'utf8').slice(0, 1024))).to.equal(
      Number(execFileSync('getconf', ['PAGE_SIZE'])),
    );
  });
});
