/**
 * The architectures that QEMU's user-mode emulation covers: one table, a row for each. The rest of the program knows
 * no architecture by name. It takes everything that differs between them from here:
 *
 * - Names. Users type `aarch64`, container images say `linux/arm64`, and the emulator is called `qemu-aarch64`.
 * - Magic and mask: what the kernel compares the start of a program with, to find the entry for it
 *   (Documentation/admin-guide/binfmt-misc.rst). A program matches if it has the bits of `magic` wherever `mask` has
 *   a 1. These bytes are the start of an ELF header (elf(5)), here arm64's:
 *
 *       7f454c46   02      01             01       00      0000000000000000  0200           b700
 *       "\x7fELF"  class   order          version  OS ABI  padding           type           machine
 *                  64-bit  little-endian                                     2: executable  0xb7: AArch64
 *
 *   Its mask ignores the OS ABI, and the lowest bit of the type: type 3 is a position-independent executable.
 * - The probe: a program of a few instructions that ends with a known exit status. An emulator works if the kernel
 *   runs this program with it. probes/NAME.S is the source of `probeCode`; elf.ts puts an ELF header before it.
 *
 * To add an architecture, add a row here and the source of its probe, and run `npm run probes`, which compares the
 * two. Nothing else needs a change.
 *
 * The status lists platforms in the order of the rows: first those that clients of tonistiigi/binfmt know, in its
 * order, then the others by name.
 *
 * Sources: magic and mask are those of the binfmt.d files in Debian's qemu-user package (a test compares each row, and
 * lists the differences). Names are those of Go (go/build/syslist.go; `riscv` is 32-bit RISC-V), or QEMU's if Go has
 * none.
 */

export interface Architecture {
  /** The OCI architecture, as in `linux/NAME`. */
  readonly name: string;
  /** Other names that users type. A part after a slash is the variant that the name implies. */
  readonly aliases: readonly string[];
  /** The image `binfmt` carries its emulator, because container images for it exist. `binfmt:full` carries all. */
  readonly inImage?: true;
  /** QEMU's name for it: the emulator is `qemu-TARGET`. */
  readonly target: string;
  /** The start of a program of this architecture, in hexadecimal. */
  readonly magic: string;
  /** The bits of `magic` that count, in hexadecimal. As long as `magic`. */
  readonly mask: string;
  /**
   * Machine code of the probe, in hexadecimal; spaces do not count. Its exit status is PROBE_SUCCESS or, if the row
   * has `levels`, a key of these. Source: probes/NAME.S.
   */
  readonly probeCode: string;
  /** e_flags in the ELF header of the probe, for emulators and kernels that check it. Default: 0. */
  readonly elfFlags?: number;
  /** The variant that a name without one means. It is never printed: linux/arm64 is linux/arm64/v8. */
  readonly plainVariant?: string;
  /** If there are variants: exit status of the probe → the highest variant that runs (7 is v7). */
  readonly levels?: Readonly<Record<number, number>>;
  /**
   * Paths of the loaders of dynamically linked programs, glibc's and musl's. Only architectures that QEMU can run on
   * have them. Sources: glibc's shlib-versions files; musl's configure.
   */
  readonly loaders?: readonly string[];
  /** The variants that the status lists if they run, in this order. */
  readonly listed?: readonly number[];
}

/** The exit status of a probe that ran. No shell and no failing emulator returns it. */
export const PROBE_SUCCESS = 42;

/** The name of an architecture's emulator: of its file, and of its entry. */
export function emulatorName({ target }: Pick<Architecture, 'target'>): string {
  return `qemu-${target}`;
}

export const architectures: readonly Architecture[] = [
  {
    name: 'amd64',
    aliases: ['x86_64', 'x86-64', 'x64'],
    inImage: true,
    target: 'x86_64',
    magic: '7f454c4602010100000000000000000002003e00',
    mask: 'fffffffffffefe00fffffffffffffffffeffffff',
    probeCode:
      '6a415f31c00fa2956a01580fa2f7d187ceb8010000800fa2f7d1f6c1017547f7c601229800753fffc7f6c1207538' +
      'f7c60010403875306a075839c5722931c90fa2f7d331c90f01d0f7d0a8067518f7c3280100007510ffc7a8e0750a' +
      'f7c3000003d07502ffc76a3c580f05',
    plainVariant: 'v1',
    levels: { 65: 1, 66: 2, 67: 3, 68: 4 },
    listed: [1, 2, 3, 4],
    loaders: ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-musl-x86_64.so.1'],
  },
  {
    name: 'arm64',
    aliases: ['aarch64', 'arm64v8'],
    inImage: true,
    plainVariant: 'v8',
    target: 'aarch64',
    magic: '7f454c460201010000000000000000000200b700',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    probeCode: '40058052 a80b8052 010000d4',
    loaders: ['/lib/ld-linux-aarch64.so.1', '/lib/ld-musl-aarch64.so.1'],
  },
  {
    name: 'riscv64',
    aliases: ['riscv64gc'],
    inImage: true,
    target: 'riscv64',
    magic: '7f454c460201010000000000000000000200f300',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    probeCode: '1305a002 9308d005 73000000',
    loaders: ['/lib/ld-linux-riscv64-lp64d.so.1', '/lib/ld-musl-riscv64.so.1'],
  },
  {
    name: 'ppc64',
    aliases: ['powerpc64'],
    inImage: true,
    target: 'ppc64',
    magic: '7f454c4602020100000000000000000000020015',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    elfFlags: 0x2,
    probeCode: '3860002a 38000001 44000002',
  },
  {
    name: 'ppc64le',
    aliases: ['ppc64el', 'powerpc64le'],
    inImage: true,
    target: 'ppc64le',
    magic: '7f454c4602010100000000000000000002001500',
    mask: 'fffffffffffffffcfffffffffffffffffeffff00',
    elfFlags: 0x2,
    probeCode: '2a006038 01000038 02000044',
    loaders: ['/lib64/ld64.so.2', '/lib/ld-musl-powerpc64le.so.1'],
  },
  {
    name: 's390x',
    aliases: [],
    inImage: true,
    target: 's390x',
    magic: '7f454c4602020100000000000000000000020016',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    probeCode: 'a729002a 0a01',
    loaders: ['/lib/ld64.so.1', '/lib/ld-musl-s390x.so.1'],
  },
  {
    name: '386',
    aliases: ['i386', 'i486', 'i586', 'i686', 'x86'],
    inImage: true,
    target: 'i386',
    magic: '7f454c4601010100000000000000000002000300',
    mask: 'fffffffffffefefcfffffffffffffffffeffffff',
    probeCode: '6a01 58 6a2a 5b cd80',
  },
  {
    name: 'mips64le',
    aliases: ['mips64el'],
    inImage: true,
    target: 'mips64el',
    magic: '7f454c4602010100000000000000000002000800',
    mask: 'ffffffffffffff0000fffffffffffffffeffffff',
    elfFlags: 0x20000000,
    probeCode: '2a000424 c2130224 0c000000',
  },
  {
    name: 'mips64',
    aliases: [],
    inImage: true,
    target: 'mips64',
    magic: '7f454c4602020100000000000000000000020008',
    mask: 'ffffffffffffff0000fffffffffffffffffeffff',
    elfFlags: 0x20000000,
    probeCode: '2404002a 240213c2 0000000c',
  },
  {
    name: 'loong64',
    aliases: ['loongarch64'],
    inImage: true,
    target: 'loongarch64',
    magic: '7f454c4602010100000000000000000002000201',
    mask: 'fffffffffffffffc00fffffffffffffffeffffff',
    elfFlags: 0x43,
    probeCode: '04a88003 0b748103 00002b00',
    loaders: ['/lib64/ld-linux-loongarch-lp64d.so.1', '/lib/ld-musl-loongarch64.so.1'],
  },
  {
    name: 'arm',
    aliases: ['armhf/v7', 'armv7/v7', 'armv7l/v7', 'arm32v7/v7', 'armel/v6', 'armv6/v6', 'armv6l/v6', 'arm32v6/v6'],
    inImage: true,
    target: 'arm',
    magic: '7f454c4601010100000000000000000002002800',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    elfFlags: 0x5000000,
    probeCode:
      '0d10a0e1042091e4021181e0041081e2042091e4000052e3fcffff1a0c00b1e8000052e34000a0030300000a' +
      '0f0052e3f9ffff1a0100d3e5100080e20170a0e3000000ef',
    // 64: the emulator does not tell the version, so no more than v6 is claimed.
    levels: { 64: 6, 69: 5, 70: 6, 71: 7, 72: 8 },
    listed: [7, 6],
  },
  {
    name: 'alpha',
    aliases: [],
    target: 'alpha',
    magic: '7f454c4602010100000000000000000002002690',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    probeCode: '2a001f22 01001f20 83000000',
  },
  {
    name: 'arm64be',
    aliases: ['aarch64_be'],
    target: 'aarch64_be',
    magic: '7f454c46020201000000000000000000000200b7',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    probeCode: '40058052 a80b8052 010000d4',
  },
  {
    name: 'armbe',
    aliases: ['armeb'],
    target: 'armeb',
    magic: '7f454c4601020100000000000000000000020028',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    elfFlags: 0x5800000,
    probeCode: '2a00a0e3 0170a0e3 000000ef',
  },
  {
    name: 'hexagon',
    aliases: [],
    target: 'hexagon',
    magic: '7f454c460101010000000000000000000200a400',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    elfFlags: 0x60,
    probeCode: '40450078 a6cb0078 04c00054',
  },
  {
    name: 'hppa',
    aliases: ['parisc'],
    target: 'hppa',
    magic: '7f454c460102010000000000000000000002000f',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    elfFlags: 0x210,
    probeCode: '341a0054 e4008200 34140002',
  },
  {
    name: 'm68k',
    aliases: [],
    target: 'm68k',
    magic: '7f454c4601020100000000000000000000020004',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    probeCode: '722a 7001 4e40',
  },
  {
    name: 'microblaze',
    aliases: [],
    target: 'microblaze',
    magic: '7f454c460102010000000000000000000002baab',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    probeCode: '30a0002a 31800001 b9cc0008',
  },
  {
    name: 'microblazeel',
    aliases: ['microblazele'],
    target: 'microblazeel',
    magic: '7f454c460101010000000000000000000200abba',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    probeCode: '2a00a030 01008031 0800ccb9',
  },
  {
    name: 'mips',
    aliases: [],
    inImage: true,
    target: 'mips',
    magic: '7f454c46010201000000000000000000000200080000000100000000000000000000000000000000',
    mask: 'ffffffffffffff0000fffffffffffffffffeffffffffffff00000000000000000000000000000020',
    elfFlags: 0x1000,
    probeCode: '2404002a 24020fa1 0000000c',
  },
  {
    name: 'mips64p32',
    aliases: ['mipsn32'],
    target: 'mipsn32',
    magic: '7f454c46010201000000000000000000000200080000000100000000000000000000000000000020',
    mask: 'ffffffffffffff0000fffffffffffffffffeffffffffffff00000000000000000000000000000020',
    elfFlags: 0x20000020,
    probeCode: '2404002a 240217aa 0000000c',
  },
  {
    name: 'mips64p32le',
    aliases: ['mipsn32el'],
    target: 'mipsn32el',
    magic: '7f454c46010101000000000000000000020008000100000000000000000000000000000020000000',
    mask: 'ffffffffffffff0000fffffffffffffffeffffffffffffff00000000000000000000000020000000',
    elfFlags: 0x20000020,
    probeCode: '2a000424 aa170224 0c000000',
  },
  {
    name: 'mipsle',
    aliases: ['mipsel'],
    inImage: true,
    target: 'mipsel',
    magic: '7f454c46010101000000000000000000020008000100000000000000000000000000000000000000',
    mask: 'ffffffffffffff0000fffffffffffffffeffffffffffffff00000000000000000000000020000000',
    elfFlags: 0x1000,
    probeCode: '2a000424 a10f0224 0c000000',
  },
  {
    name: 'or1k',
    aliases: ['openrisc'],
    target: 'or1k',
    magic: '7f454c460102010000000000000000000002005c',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    probeCode: 'a860002a a960005d 20000001',
  },
  {
    name: 'ppc',
    aliases: ['powerpc'],
    target: 'ppc',
    magic: '7f454c4601020100000000000000000000020014',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    probeCode: '3860002a 38000001 44000002',
  },
  {
    name: 'riscv',
    aliases: ['riscv32'],
    target: 'riscv32',
    magic: '7f454c460101010000000000000000000200f300',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    probeCode: '1305a002 9308d005 73000000',
  },
  {
    name: 'sh4',
    aliases: [],
    target: 'sh4',
    magic: '7f454c4601010100000000000000000002002a00',
    mask: 'fffffffffffffffcfffffffffffffffffeffffff',
    elfFlags: 0x9,
    probeCode: '2ae4 01e3 11c3',
  },
  {
    name: 'sh4eb',
    aliases: [],
    target: 'sh4eb',
    magic: '7f454c460102010000000000000000000002002a',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    elfFlags: 0x9,
    probeCode: 'e42a e301 c311',
  },
  {
    name: 'sparc',
    aliases: [],
    target: 'sparc',
    magic: '7f454c4601020100000000000000000000020002',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    probeCode: '9010202a 82102001 91d02010',
  },
  {
    name: 'sparc32plus',
    aliases: [],
    target: 'sparc32plus',
    magic: '7f454c4601020100000000000000000000020012',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    elfFlags: 0x100,
    probeCode: '9010202a 82102001 91d02010',
  },
  {
    name: 'sparc64',
    aliases: [],
    target: 'sparc64',
    magic: '7f454c460202010000000000000000000002002b',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    probeCode: '9010202a 82102001 91d0206d',
  },
  {
    name: 'xtensa',
    aliases: [],
    target: 'xtensa',
    magic: '7f454c4601010100000000000000000002005e00',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    elfFlags: 0x300,
    probeCode: '22a076 2ca6 005000',
  },
  {
    name: 'xtensaeb',
    aliases: [],
    target: 'xtensaeb',
    magic: '7f454c460102010000000000000000000002005e',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    elfFlags: 0x300,
    probeCode: '220a76 c26a 000500',
  },
];
