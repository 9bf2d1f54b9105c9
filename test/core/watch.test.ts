import { expect } from 'chai';
import { formatAddress, parseAddress } from '../../src/core/address.js';
import { afterTry, allowedAt, type Backoff } from '../../src/core/backoff.js';
import { parseEntry } from '../../src/core/entry.js';
import { formatEvent } from '../../src/core/events.js';
import { causeOfRestore, isAffected, type Watched } from '../../src/core/watch.js';
import { row } from '../support/architectures.js';

describe('backoff', () => {
  /** Waits in seconds between tries that are each made as soon as they are allowed. */
  function waits(tries: number, free: number, longest: number): number[] {
    const limits = { free, longest };
    const found: number[] = [];
    let now = 1000;
    let last: Backoff | undefined;
    for (let i = 0; i < tries; i++) {
      last = afterTry(last, now, limits);
      found.push((allowedAt(last, limits) - now) / 1000);
      now = allowedAt(last, limits);
    }
    return found;
  }

  it('lets some tries be free, then doubles up to the longest wait', () => {
    expect(waits(15, 5, 300_000)).to.deep.equal([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(waits(3, 1, 300_000)).to.deep.equal([1, 2, 4]);
  });

  it('never waits where the longest wait is 0', () => {
    expect(waits(100, 5, 0).every((wait) => wait === 0)).to.equal(true);
  });

  it('forgets after a quiet time beyond the wait', () => {
    const limits = { free: 5, longest: 300_000 };
    const last = { streak: 10, at: 0 };
    expect(afterTry(last, allowedAt(last, limits) + 9_000, limits).streak).to.equal(11);
    expect(afterTry(last, allowedAt(last, limits) + 11_000, limits).streak).to.equal(1);
  });
});

describe('what a watcher sees', () => {
  const { magic, mask } = row('arm64');
  const entry = (name: string, inode: number, enabled = true) => ({
    ...parseEntry(
      name,
      `${enabled ? 'enabled' : 'disabled'}\ninterpreter /q\nflags: F\noffset 0\nmagic ${magic}\nmask ${mask}\n`,
    ),
    inode,
  });
  const ours = entry('qemu-aarch64', 1);
  const watched: Watched = { platform: { architecture: row('arm64') }, seen: [ours] };

  it('is a change only in what could run the architecture', () => {
    expect(isAffected(watched, [ours])).to.equal(false);
    expect(isAffected(watched, [parseEntry('jar', 'enabled\nextension .jar\n'), ours])).to.equal(false);
    expect(isAffected(watched, [])).to.equal(true);
    expect(isAffected(watched, [entry('qemu-aarch64', 2)])).to.equal(true);
    expect(isAffected(watched, [entry('qemu-aarch64', 1, false)])).to.equal(true);
    expect(isAffected(watched, [entry('other', 3), ours])).to.equal(true);
  });

  for (const [cause, entries] of [
    ['removed', []],
    ['disabled', [entry('qemu-aarch64', 1, false)]],
    ['replaced', [entry('qemu-aarch64', 2)]],
    ['shadowed', [entry('other', 3), ours]],
    ['broken', [ours]],
  ] as const) {
    it(`has the cause ${cause}`, () => expect(causeOfRestore('qemu-aarch64', watched, entries)).to.equal(cause));
  }

  it('is a line of text or of JSON', () => {
    const event = { event: 'restored', architecture: 'arm64', cause: 'removed' } as const;
    expect(formatEvent(event, 'T', 'text')).to.equal('T restored arm64: removed');
    expect(JSON.parse(formatEvent(event, 'T', 'json'))).to.deep.equal({ time: 'T', ...event });
    expect(formatEvent({ event: 'ready' }, 'T', 'text')).to.equal('T ready');
  });
});

describe('addresses', () => {
  for (const [text, address] of [
    ['9090', '127.0.0.1:9090'],
    ['0.0.0.0:80', '0.0.0.0:80'],
    ['[::1]:80', '[::1]:80'],
    ['unix:/run/x.sock', 'unix:/run/x.sock'],
  ] as const) {
    it(`${text} is ${address}`, () => {
      const parsed = parseAddress(text);
      expect(parsed && formatAddress(parsed)).to.equal(address);
    });
  }
  for (const text of ['', 'x', 'unix:', '70000', 'host:', 'a:b:1']) {
    it(`${JSON.stringify(text)} is none`, () => expect(parseAddress(text)).to.equal(undefined));
  }
});
