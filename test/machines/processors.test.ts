/**
 * What a machine runs without an emulator depends on its processor, its kernel, and the kernel's command line. That decides
 * what is registered, listed and advised.
 */
import { expect } from 'chai';
import { registerLine } from '../../src/core/binfmt/entry.js';
import { emulatorName } from '../../src/core/platform/architectures.js';
import type { Status } from '../../src/core/report/status.js';
import { row } from '../support/architectures.js';
import { type PrintedReport, problemIn } from '../support/doctor.js';
import { type Box, kernelOf, machine } from './box.js';
import { chosen } from './choice.js';

interface Machine extends Box {
  readonly title: string;
  /** The platforms that it runs by itself, as the status lists them. */
  readonly native: readonly string[];
  /** Platforms of the same family that it does not run by itself. */
  readonly foreign: readonly string[];
  /** A variant that is beyond its processor. */
  readonly beyond?: string;
  /** Bytes of a memory page, if not 4096. */
  readonly pages?: number;
  /** Not among the few that are tested by default. */
  readonly slow?: true;
}

const machines: readonly Machine[] = [
  {
    ...{ title: 'amd64 v1', host: 'amd64', suite: 'bullseye', cpu: 'qemu64' },
    ...{ native: ['linux/amd64', 'linux/386'], foreign: [], beyond: 'linux/amd64/v2' },
  },
  {
    ...{ title: 'amd64 v2', host: 'amd64', suite: 'bullseye', cpu: 'Nehalem' },
    ...{ native: ['linux/amd64', 'linux/amd64/v2', 'linux/386'], foreign: [], beyond: 'linux/amd64/v3' },
  },
  {
    ...{ title: 'amd64 whose kernel runs no 386 programs', host: 'amd64', suite: 'trixie-backports' },
    append: 'ia32_emulation=off',
    ...{ native: ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3'], foreign: ['linux/386'] },
  },
  {
    ...{ title: 'arm64 that runs arm programs', host: 'arm64', suite: 'trixie', slow: true },
    ...{ native: ['linux/arm64', 'linux/arm/v7', 'linux/arm/v6'], foreign: [] },
  },
  {
    ...{ title: 'arm64 whose kernel is told to run no arm programs', host: 'arm64', suite: 'trixie-backports' },
    ...{ append: 'arm64.no32bit_el0', native: ['linux/arm64'], foreign: ['linux/arm/v7', 'linux/arm/v6'] },
  },
  {
    ...{
      title: 'arm64 whose processor has no 32-bit mode',
      host: 'arm64',
      suite: 'bookworm',
      cpu: 'a64fx',
      slow: true,
    },
    ...{ native: ['linux/arm64'], foreign: ['linux/arm/v7', 'linux/arm/v6'] },
  },
  {
    ...{
      title: 'arm64 with pages of 16 KiB',
      host: 'arm64',
      suite: 'trixie-backports',
      flavour: 'arm64-16k',
      slow: true,
    },
    ...{ pages: 16384, native: ['linux/arm64', 'linux/arm/v7', 'linux/arm/v6'], foreign: [] },
  },
  {
    ...{
      title: 'ppc64le with pages of 64 KiB',
      host: 'ppc64le',
      suite: 'forky',
      flavour: 'powerpc64le-64k',
      slow: true,
    },
    ...{ pages: 65536, native: ['linux/ppc64le'], foreign: [] },
  },
];

/** An entry for an emulator that is on the machine. */
function lineFor(name: string): string {
  const architecture = row(name);
  const emulator = emulatorName(architecture);
  return registerLine({ ...architecture, name: emulator, interpreter: `/usr/bin/${emulator}`, flags: 'F' });
}

/** What `uname -m` says in a foreign busybox. */
const names: Readonly<Record<string, string>> = {
  ...{ amd64: 'x86_64', arm64: 'aarch64', riscv64: 'riscv64', s390x: 's390x', '386': 'i686', arm: 'armv7l' },
  ppc64le: 'ppc64le',
};

const few = machines.filter(({ title, suite, slow }) => chosen(`${title}, ${suite}`, !slow));
const kernels = await Promise.all(few.map(kernelOf));

for (const [index, box] of few.entries()) {
  const { title, host, native, foreign, beyond, pages = 4096 } = box;
  const kernel = kernels[index];
  if (kernel === undefined) continue;

  describe(`${title} (Linux ${kernel})`, () => {
    const nativeNames = new Set(native.map((platform) => platform.split('/')[1] as string));
    /** What it runs beside programs of its own architecture. */
    const second = [...nativeNames].find((name) => name !== host);
    const results = machine(box, {
      pages: "insmod /lib/modules/binfmt_misc.ko; awk '/KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps",
      before: 'binfmt',
      advice: `binfmt doctor --json ${[...native, ...foreign].join(' ')}`,
      beyond: `binfmt doctor --json ${beyond ?? host}`,
      install: 'binfmt --install all',
      programs: 'for each in /guests/*/bin/busybox; do echo "$each $($each uname -m)"; done',
      doctor: 'binfmt doctor --json',
      taken:
        second === undefined ? 'true' : `echo '${lineFor(second)}' >$misc/register; binfmt doctor --json ${second}`,
      'taken back': 'binfmt doctor --json --check native | grep -o "binfmt --uninstall [^\\"]*" | sh 2>&1; binfmt',
    });
    let done: Awaited<ReturnType<typeof results>>;
    /** What each foreign program printed, by architecture. */
    let printed: Record<string, string>;

    before(async () => {
      done = await results();
      const lines = done.programs.output.trim().split('\n');
      printed = Object.fromEntries(lines.map((line) => /^\/guests\/(\w+)\S* (.*)$/.exec(line)?.slice(1) ?? []));
    });

    it(`has pages of ${pages / 1024} KiB`, () => {
      expect(Number(done.pages.output)).to.equal(pages);
    });

    it(`runs ${native.join(', ')} by itself, and lists nothing else`, () => {
      expect((JSON.parse(done.before.output) as Status).supported).to.deep.equal(native);
    });

    it('has an emulator recommended for what it lacks, and for nothing else', () => {
      const { platforms, problems } = JSON.parse(done.advice.output) as PrintedReport;
      const lacking = platforms.filter(({ runs }) => !runs).map(({ platform }) => platform);
      expect(lacking).to.have.members(foreign);
      expect(new Set(problems.map(({ id }) => id))).to.deep.equal(new Set(foreign.length > 0 ? ['no-entry'] : []));
    });

    if (beyond !== undefined) {
      it(`is told that ${beyond} is beyond its processor`, () => {
        const problem = problemIn('cpu-level', JSON.parse(done.beyond.output) as PrintedReport);
        expect(problem).to.include({ severity: 'problem', subject: beyond });
      });
    }

    it('gets an emulator for everything but what it runs by itself', () => {
      expect(done.install.exit, done.install.output).to.equal(0);
      const installed = [...done.install.output.matchAll(/^installing: (\S+) OK$/gm)].map(([, name]) => name);
      expect(installed).to.include.members(Object.keys(names).filter((name) => !nativeNames.has(name)));
      expect(installed.filter((name = '') => nativeNames.has(name))).to.deep.equal([]);
    });

    it('runs real programs of all of them', () => {
      for (const [name, word] of Object.entries(names)) {
        // What the processor runs has its name.
        if (name !== host) expect(printed[name], name).to.equal(nativeNames.has(name) ? names[host] : word);
      }
    });

    if (second !== undefined) {
      it(`warns of an entry that takes programs of ${second} from the processor, and advises what removes it`, () => {
        const problem = problemIn('native', JSON.parse(done.taken.output) as PrintedReport);
        expect(problem).to.include({ severity: 'warning', subject: `linux/${second}` });
        expect(done['taken back'].output).to.contain(`uninstalling: ${emulatorName(row(second))} OK`);
      });
    }

    it('has nothing that the doctor finds fault with', () => {
      expect(done.doctor.exit, done.doctor.output).to.equal(0);
      const { problems } = JSON.parse(done.doctor.output) as PrintedReport;
      expect(problems.filter(({ severity }) => severity !== 'note')).to.deep.equal([]);
    });
  });
}
