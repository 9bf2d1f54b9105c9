import { expect } from 'chai';
import type { Entry } from '../../src/core/binfmt/entry.js';
import { switchedOffProblem } from '../../src/core/doctor/mount-errors.js';
import { entryRemoved, noEmulator } from '../../src/core/install/emulator-problems.js';
import type { InstallResult } from '../../src/core/install/plan.js';
import { parseSelection } from '../../src/core/install/selection.js';
import { problemOf } from '../../src/core/problem.js';
import {
  initialState,
  next,
  type WatchEffect,
  type WatchInput,
  type WatchState,
} from '../../src/core/watch/watch-state.js';
import { row } from '../support/architectures.js';
import { entryFor } from '../support/doctor.js';

const arm64 = entryFor(row('arm64'), { inode: 1 });
const s390x = entryFor(row('s390x'), { inode: 2 });
const missing = problemOf(noEmulator, 'linux/s390x', { emulator: 'qemu-s390x', directory: '/usr/bin' });

/** A watcher that is fed with inputs; what it does is remembered as short words. */
class Play {
  state: WatchState;
  said: string[] = [];
  now = 1_000_000;
  constructor(words: string[], longestWait = 300_000) {
    this.state = initialState(parseSelection(words), longestWait);
  }

  feed(input: WatchInput): this {
    const step = next(this.state, input);
    this.state = step.state;
    this.said.push(...step.effects.map(describe_));
    return this;
  }

  trigger(check: 'entries' | 'everything' = 'entries') {
    return this.feed({ kind: 'trigger', check });
  }

  looked(entries: readonly Entry[], switchedOff = false) {
    return this.feed({ kind: 'looked', now: this.now, entries, switchedOff });
  }

  installed(results: readonly Partial<InstallResult>[], before: readonly Entry[], after: readonly Entry[]) {
    const complete = results.map((result, i): InstallResult => {
      const platform = this.state.platforms[i]?.platform ?? { architecture: row('arm64') };
      return { platform, ...result };
    });
    return this.feed({ kind: 'installed', now: this.now, results: complete, before, after });
  }

  /** What was done since the last call. */
  done(): string[] {
    return this.said.splice(0);
  }

  /** Both run, through entries that are there. */
  started(): this {
    this.trigger('everything').looked([]);
    this.installed([{ registered: arm64.name }, { registered: s390x.name }], [], [s390x, arm64]);
    this.done();
    return this;
  }
}

function describe_(effect: WatchEffect): string {
  switch (effect.kind) {
    case 'look':
      return 'look';
    case 'install':
      return `install ${effect.platforms === 'selection' ? 'selection' : effect.platforms.map(({ architecture }) => architecture.name).join()}`;
    case 'retry':
      return effect.at === undefined ? 'no retry' : `retry at ${effect.at - 1_000_000}`;
    case 'report': {
      const { event, architecture, cause } = effect.event;
      const why =
        cause?.kind === 'restore' ? cause.cause : cause?.kind === 'wait' ? `${cause.seconds} s` : (cause?.kind ?? '');
      return [event, architecture, why].filter(Boolean).join(' ');
    }
  }
}

describe('a watcher', () => {
  it('looks, installs everything the first time, and is ready', () => {
    const play = new Play(['arm64', 's390x']);
    expect(play.trigger('everything').done()).to.deep.equal(['look']);
    expect(play.looked([]).done()).to.deep.equal(['install selection']);
    play.installed([{ registered: arm64.name }, { registered: s390x.name }], [], [s390x, arm64]);
    expect(play.done()).to.deep.equal(['installed arm64', 'installed s390x', 'no retry', 'ready']);
    expect(play.state).to.include({ ready: true, busy: false, started: true });
    expect([...play.state.registered]).to.deep.equal([
      ['qemu-aarch64', 1],
      ['qemu-s390x', 2],
    ]);
  });

  it('installs nothing if nothing that matters has changed', () => {
    const play = new Play(['arm64', 's390x']).started();
    play.trigger().looked([entryFor(row('386'), { name: 'other' }), s390x, arm64]);
    expect(play.done()).to.deep.equal(['look', 'no retry']);
  });

  it('checks everything when that is asked for', () => {
    const play = new Play(['arm64', 's390x']).started();
    expect(play.trigger('everything').looked([s390x, arm64]).done()).to.deep.equal(['look', 'install arm64,s390x']);
    expect(play.installed([{}, {}], [s390x, arm64], [s390x, arm64]).done()).to.deep.equal(['no retry']);
  });

  for (const [cause, entries] of [
    ['removed', [s390x]],
    ['disabled', [s390x, { ...arm64, enabled: false }]],
    ['replaced', [s390x, { ...arm64, inode: 9 }]],
    ['shadowed', [{ ...arm64, name: 'other', inode: 9 }, s390x, arm64]],
  ] as const) {
    it(`restores an entry that was ${cause}, and counts it`, () => {
      const play = new Play(['arm64', 's390x']).started();
      expect(play.trigger().looked(entries).done()).to.deep.equal(['look', 'install arm64']);
      play.installed([{ registered: arm64.name }], entries, [arm64, s390x]);
      expect(play.done()).to.deep.equal([`restored arm64 ${cause}`, 'no retry']);
      expect(play.state.restores[cause]).to.equal(1);
    });
  }

  it('says that an entry was broken if it looks the same and was registered again', () => {
    const play = new Play(['arm64', 's390x']).started();
    play.trigger('everything').looked([arm64, s390x]);
    play.installed([{ registered: arm64.name }, {}], [arm64, s390x], [arm64, s390x]);
    expect(play.done()).to.include('restored arm64 broken');
  });

  it('remembers a trigger that comes while it is busy, the strongest one', () => {
    const play = new Play(['arm64', 's390x']).started();
    play.trigger();
    expect(play.done()).to.deep.equal(['look']);
    play.trigger('everything').trigger();
    expect(play.done()).to.deep.equal([]);
    play.looked([s390x, arm64]);
    expect(play.done()).to.deep.equal(['install arm64,s390x']);
    play.trigger();
    play.installed([{}, {}], [s390x, arm64], [s390x, arm64]);
    expect(play.done()).to.deep.equal(['no retry', 'look']);
  });

  it('looks again if an entry changed while its platform was probed', () => {
    const play = new Play(['arm64', 's390x']).started();
    play.trigger().looked([s390x]);
    play.installed([{ registered: arm64.name }], [s390x], [s390x]);
    play.done();
    expect(play.trigger().looked([s390x]).done()).to.deep.equal(['look', 'install arm64']);
  });

  it('waits longer and longer if something keeps removing an entry, and says so once', () => {
    const play = new Play(['arm64', 's390x']).started();
    const restore = () => {
      play.trigger().looked([s390x]);
      play.installed([{ registered: arm64.name }], [s390x], [arm64, s390x]);
    };
    for (let i = 0; i < 4; i++) restore();
    play.done();
    // The first installation and four restores: the sixth has to wait for a second.
    play.trigger().looked([s390x]);
    expect(play.done()).to.deep.equal(['look', 'waiting arm64 1 s', 'retry at 1000', 'not-ready']);
    play.trigger().looked([s390x]);
    expect(play.done()).to.deep.equal(['look', 'retry at 1000']);
    play.now += 1000;
    expect(play.trigger().looked([s390x]).done()).to.deep.equal(['look', 'install arm64']);
    play.installed([{ registered: arm64.name }], [s390x], [arm64, s390x]);
    expect(play.done()).to.deep.equal(['restored arm64 removed', 'no retry', 'ready']);
    expect(play.trigger().looked([s390x]).done()).to.include('waiting arm64 2 s');
  });

  it('does not wait longer because an entry was removed while it was tested', () => {
    const play = new Play(['arm64', 's390x']).started();
    const removed = problemOf(entryRemoved, 'linux/arm64', { entry: arm64.name });
    for (let i = 0; i < 3; i++) {
      play.trigger().looked([s390x]);
      play.installed([{ registered: arm64.name, problem: removed }], [s390x], [s390x]);
    }
    // The first installation and three restores: the next one may follow at once.
    expect(play.done().at(-1)).to.equal('retry at 0');
  });

  it('never waits if the longest wait is 0', () => {
    const play = new Play(['arm64', 's390x'], 0).started();
    for (let i = 0; i < 50; i++) {
      expect(play.trigger().looked([s390x]).done()).to.deep.equal(['look', 'install arm64']);
      play.installed([{ registered: arm64.name }], [s390x], [arm64, s390x]).done();
    }
  });

  it('stays with what runs, is not ready, and tries the rest again', () => {
    const play = new Play(['arm64', 's390x']);
    play.trigger('everything').looked([]);
    play.installed([{ registered: arm64.name }, { problem: missing }], [], [arm64]);
    expect(play.done().slice(-3)).to.deep.equal(['installed arm64', 'failed s390x problem', 'retry at 1000']);
    expect(play.state.ready).to.equal(false);
    play.now += 1000;
    play.trigger().looked([arm64]);
    expect(play.done()).to.deep.equal(['look', 'install s390x']);
    play.installed([], [arm64], [arm64]);
    const platform = play.state.platforms[1]?.platform ?? { architecture: row('s390x') };
    play.trigger().looked([arm64]);
    play.feed({ kind: 'installed', now: play.now, results: [{ platform, problem: missing }], before: [], after: [] });
    expect(play.done()).not.to.include('failed s390x problem');
  });

  it('does not count it as a try while binfmt_misc is switched off', () => {
    const play = new Play(['arm64', 's390x']).started();
    const off = switchedOffProblem('/m');
    play.trigger().looked([s390x, arm64], true);
    expect(play.done()).to.deep.equal(['look', 'install arm64,s390x']);
    play.installed([{ problem: off }, { problem: off }], [s390x, arm64], [s390x, arm64]);
    expect(play.done()).to.deep.equal(['failed arm64 problem', 'failed s390x problem', 'no retry', 'not-ready']);
    play.trigger().looked([s390x, arm64], false);
    expect(play.done()).to.deep.equal(['look', 'install arm64,s390x']);
    play.installed([{}, {}], [s390x, arm64], [s390x, arm64]);
    expect(play.done()).to.include('ready');
  });

  it('is never ready if a word is not a platform', () => {
    const play = new Play(['arm64', 'nonsense']);
    play
      .trigger('everything')
      .looked([])
      .installed([{ registered: arm64.name }], [], [arm64]);
    expect(play.done()).not.to.include('ready');
    expect(play.state.unknown).to.have.length(1);
  });

  it('reports a failure of its own, and goes on with the next trigger', () => {
    const play = new Play(['arm64', 's390x']).started();
    play.trigger('everything').feed({ kind: 'failed', now: play.now, error: new Error('the launcher ended') });
    expect(play.done()).to.deep.equal(['look', 'warning problem', 'retry at 1000', 'not-ready']);
    // Nothing may have changed, and nothing has.
    expect(play.trigger().looked([s390x, arm64]).done()).to.deep.equal(['look', 'no retry', 'ready']);
  });

  it('is not ready while its first installation fails, and tries it again, longer and longer apart', () => {
    const play = new Play(['arm64']);
    const failed = () => play.feed({ kind: 'failed', now: play.now, error: new Error('EMFILE') });
    play.trigger('everything').looked([]);
    failed();
    expect(play.done()).to.deep.equal(['look', 'install selection', 'warning problem', 'retry at 1000']);
    expect(play.state).to.include({ ready: false, started: false });
    play.now += 1000;
    play.trigger().looked([]);
    failed();
    expect(play.done()).to.deep.equal(['look', 'install selection', 'warning problem', 'retry at 3000']);
    play.now += 2000;
    play
      .trigger()
      .looked([])
      .installed([{ registered: arm64.name }], [], [arm64]);
    expect(play.done().slice(2)).to.deep.equal(['installed arm64', 'no retry', 'ready']);
  });

  it('is not ready if an entry is gone and could not be looked for, and then restores it', () => {
    const play = new Play(['arm64', 's390x']).started();
    play.trigger().looked([s390x]);
    play.feed({ kind: 'failed', now: play.now, error: new Error('EMFILE') });
    expect(play.done().slice(-3)).to.deep.equal(['warning problem', 'retry at 1000', 'not-ready']);
    play.trigger().looked([s390x]);
    expect(play.done()).to.deep.equal(['look', 'install arm64']);
  });

  const theirs = { ...arm64, inode: 7, interpreter: '/usr/bin/qemu-aarch64-static', flags: 'F' };

  it('says that another tool has taken the name of an entry, and leaves it if an installation would', () => {
    const play = new Play(['arm64', 's390x']).started();
    play.trigger().looked([theirs, s390x]).installed([{}], [theirs, s390x], [theirs, s390x]);
    expect(play.done()).to.deep.equal(['look', 'install arm64', 'taken arm64 taken', 'no retry']);
    expect(play.state).to.include({ taken: 1, ready: true });
    // Once.
    expect(
      play
        .trigger('everything')
        .looked([theirs, s390x])
        .installed([{}, {}], [theirs, s390x], [theirs, s390x])
        .done()
        .join(),
    ).not.to.contain('taken');
  });

  it('says so if the entry of another tool is in front, and nothing when it goes', () => {
    const front = { ...theirs, name: 'front' };
    const play = new Play(['arm64', 's390x']).started();
    play.trigger().looked([front, arm64, s390x]).installed([{}], [front, arm64, s390x], [front, arm64, s390x]);
    expect(play.done()).to.deep.equal(['look', 'install arm64', 'taken arm64 taken', 'no retry']);
    play.trigger().looked([arm64, s390x]).installed([{}], [arm64, s390x], [arm64, s390x]);
    expect(play.done()).to.deep.equal(['look', 'install arm64', 'no retry']);
  });

  it('says so too if it registers its own again', () => {
    const play = new Play(['arm64', 's390x']).started();
    const again = { ...arm64, inode: 8 };
    play.trigger().looked([theirs, s390x]);
    play.installed([{ registered: arm64.name }], [theirs, s390x], [again, s390x]);
    expect(play.done()).to.deep.equal(['look', 'install arm64', 'restored arm64 replaced', 'no retry']);
    expect(play.state.taken).to.equal(1);
    expect(play.state.registered.get(arm64.name)).to.equal(8);
  });

  it('says nothing if another watcher has restored the very same entry', () => {
    const play = new Play(['arm64', 's390x']).started();
    const same = { ...arm64, inode: 9 };
    play.trigger().looked([same, s390x]).installed([{}], [same, s390x], [same, s390x]);
    expect(play.done()).to.deep.equal(['look', 'install arm64', 'no retry']);
  });
});
