/** Linux 7.3 limits how many emulators its entries keep open, and lets an entry be removed as a file. */
import { expect } from 'chai';
import { compareVersions } from '../../src/core/version.js';
import { type PrintedReport, problemIn } from '../support/doctor.js';
import { guest, guest2, own } from '../support/machine.js';
import { lastLine } from '../support/program.js';
import { sayInstead } from '../support/skip.js';
import { type Box, kernelOf, machine } from './box.js';
import { chosen } from './choice.js';

const LIMIT = '/proc/sys/user/max_binfmt_misc_interpreters';
const SETTING = 'user.max_binfmt_misc_interpreters';

const box: Box = { host: own.name, suite: 'trixie-backports' };
const kernel = chosen('the limit of Linux 7.3, trixie-backports', true) ? await kernelOf(box) : undefined;
const limited = kernel !== undefined && compareVersions(kernel, '7.3') >= 0;
if (kernel !== undefined && !limited) sayInstead(`not tested: the limit of Linux 7.3; the mirror has ${kernel}`);

if (limited)
  describe('Linux 7.3 or later', () => {
    const both = `${guest.name},${guest2.name}`;
    const results = machine(box, {
      install: `insmod /lib/modules/binfmt_misc.ko; binfmt --install ${both}`,
      verbose: 'binfmt doctor --json --verbose',
      beyond: `echo 1 >${LIMIT}; binfmt doctor`,
      none: `binfmt --uninstall all >/dev/null; echo 0 >${LIMIT}; binfmt --install ${guest.name}`,
      doctor: `binfmt doctor ${guest.name}`,
      one: `echo 1 >${LIMIT}; binfmt --install ${both}`,
      removed: `rm $misc/${guest.emulator}`,
      status: 'binfmt',
      sealed: "echo ':sealed:E::sealed::/bin/true:D' >$misc/register",
      report: 'binfmt doctor --json',
    });
    let done: Awaited<ReturnType<typeof results>>;

    before(async () => {
      done = await results();
    });

    it('installs as long as there is room', () => {
      expect(done.install.exit).to.equal(0);
      expect(done.install.output).to.contain(`"${guest.platform}"`).and.contain(`"${guest2.platform}"`);
    });

    it('doctor: says how much of the limit is used, if it is asked', () => {
      const { severity, facts } = problemIn('interpreter-limit', JSON.parse(done.verbose.output) as PrintedReport);
      expect(severity).to.equal('note');
      expect(facts).to.have.property('used', 2);
    });

    it('doctor: names the limit, and how much of it is used', () => {
      expect(done.beyond.exit).to.equal(0);
      expect(done.beyond.output).to.contain('2 of at most 1 entries with flag F are registered  [interpreter-limit]');
      expect(done.doctor.exit).to.equal(1);
      expect(done.doctor.output).to.contain('0 of at most 0 entries').and.contain(`sudo sysctl ${SETTING}=`);
    });

    it('names limit and remedy if there is no room', () => {
      expect(done.none.exit).to.equal(1);
      const line = done.none.output.split('\n').find((each) => each.startsWith('installing:'));
      expect(line).to.contain(`${SETTING} allows 0; allow it, on the host: sudo sysctl ${SETTING}=`);
      expect(done.none.output).not.to.contain(`"${guest.platform}"`);
    });

    it('installs what there is room for', () => {
      expect(done.one.exit).to.equal(1);
      expect(done.one.output).to.contain(`installing: ${guest.name} OK`).and.contain(`"${guest.platform}"`);
      expect(done.one.output).not.to.contain(`"${guest2.platform}"`);
    });

    it('sees that an entry was removed as a file', () => {
      expect(done.removed.exit).to.equal(0);
      expect(done.status.output).not.to.contain(guest.platform);
    });

    it('shows an entry that was registered disabled', () => {
      expect(done.sealed.exit).to.equal(0);
      expect(JSON.parse(done.report.output).entries).to.deep.include({
        ...{ name: 'sealed', enabled: false, interpreter: '/bin/true', flags: '', matches: [], active: [] },
      });
      expect(lastLine(done.report.output)).to.equal('}');
    });
  });
