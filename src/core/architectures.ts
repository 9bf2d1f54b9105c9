/**
 * The architectures that QEMU's user-mode emulation covers: ONE table, a row each. A new
 * architecture is a new row here and nothing anywhere else.
 *
 * The rows stand in the order in which the status lists platforms.
 *
 * Sources: magic and mask as in the binfmt.d files of Debian's qemu-user package (a test
 * compares every row and knows each difference); names as in Go's list of architectures
 * (go/build/syslist.go; `riscv` is its 32-bit RISC-V), else QEMU's own.
 */

export interface Architecture {
  /** The OCI architecture, as in `linux/NAME`. */
  readonly name: string;
  /** Other names that people type. What follows a slash is the variant that the name implies. */
  readonly aliases: readonly string[];
  /** QEMU's name: the emulator is `qemu-TARGET`. */
  readonly target: string;
  /** The start of a program of this architecture, hexadecimal, and the bits of it that count. */
  readonly magic: string;
  readonly mask: string;
  /** Machine code of the probe, hexadecimal. It exits with `SENTINEL`, or with a key of `levels`. */
  readonly probe: string;
  /** e_flags of the probe's ELF header, where the emulator or the kernel looks at them. */
  readonly flags?: number;
  /** The variant that is understood when none is named, and never written: arm64 is arm64/v8. */
  readonly plainVariant?: string;
  /** For architectures with variants: exit status of the probe → the highest variant (7 is v7) that runs. */
  readonly levels?: Readonly<Record<number, number>>;
  /**
   * Where dynamically linked programs of this architecture have their loader, glibc's and musl's. Only for
   * machines that emulators run on. Sources: glibc's shlib-versions files; musl, configure.
   */
  readonly loaders?: readonly string[];
  /** The variants that the status lists, in its order, as far as they run. */
  readonly listed?: readonly number[];
}

/** The exit status that says "this program ran": no shell and no failing emulator returns it. */
export const SENTINEL = 42;

export const architectures: readonly Architecture[] = [
  {
    name: 'amd64',
    aliases: ['x86_64', 'x86-64', 'x64'],
    target: 'x86_64',
    magic: '7f454c4602010100000000000000000002003e00',
    mask: 'fffffffffffefe00fffffffffffffffffeffffff',
    // cpuid, level by level as in the x86-64 psABI (v2: SSE4.2, POPCNT …; v3: AVX2, BMI, FMA …
    // with the YMM state enabled; v4: AVX-512); exit_group(64 + level)
    probe:
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
    plainVariant: 'v8',
    target: 'aarch64',
    magic: '7f454c460201010000000000000000000200b700',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // mov w0,#42; mov w8,#93; svc #0
    probe: '40058052 a80b8052 010000d4',
    loaders: ['/lib/ld-linux-aarch64.so.1', '/lib/ld-musl-aarch64.so.1'],
  },
  {
    name: 'riscv64',
    aliases: ['riscv64gc'],
    target: 'riscv64',
    magic: '7f454c460201010000000000000000000200f300',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // li a0,42; li a7,93; ecall
    probe: '1305a002 9308d005 73000000',
    loaders: ['/lib/ld-linux-riscv64-lp64d.so.1', '/lib/ld-musl-riscv64.so.1'],
  },
  {
    name: 'ppc64',
    aliases: ['powerpc64'],
    target: 'ppc64',
    magic: '7f454c4602020100000000000000000000020015',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    // li 3,42; li 0,1; sc (ELFv2: the entry point is code, not a descriptor)
    flags: 0x2,
    probe: '3860002a 38000001 44000002',
  },
  {
    name: 'ppc64le',
    aliases: ['ppc64el', 'powerpc64le'],
    target: 'ppc64le',
    magic: '7f454c4602010100000000000000000002001500',
    mask: 'fffffffffffffffcfffffffffffffffffeffff00',
    // li 3,42; li 0,1; sc (ELFv2)
    flags: 0x2,
    probe: '2a006038 01000038 02000044',
    loaders: ['/lib64/ld64.so.2', '/lib/ld-musl-powerpc64le.so.1'],
  },
  {
    name: 's390x',
    aliases: [],
    target: 's390x',
    magic: '7f454c4602020100000000000000000000020016',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    // lghi %r2,42; svc 1
    probe: 'a729002a 0a01',
    loaders: ['/lib/ld64.so.1', '/lib/ld-musl-s390x.so.1'],
  },
  {
    name: '386',
    aliases: ['i386', 'i486', 'i586', 'i686', 'x86'],
    target: 'i386',
    magic: '7f454c4601010100000000000000000002000300',
    mask: 'fffffffffffefefcfffffffffffffffffeffffff',
    // push 1; pop eax; push 42; pop ebx; int 0x80
    probe: '6a01 58 6a2a 5b cd80',
  },
  {
    name: 'mips64le',
    aliases: ['mips64el'],
    target: 'mips64el',
    magic: '7f454c4602010100000000000000000002000800',
    mask: 'ffffffffffffff0000fffffffffffffffeffffff',
    // li a0,42; li v0,5058; syscall
    flags: 0x20000000,
    probe: '2a000424 c2130224 0c000000',
  },
  {
    name: 'mips64',
    aliases: [],
    target: 'mips64',
    magic: '7f454c4602020100000000000000000000020008',
    mask: 'ffffffffffffff0000fffffffffffffffffeffff',
    // li a0,42; li v0,5058; syscall
    flags: 0x20000000,
    probe: '2404002a 240213c2 0000000c',
  },
  {
    name: 'loong64',
    aliases: ['loongarch64'],
    target: 'loongarch64',
    magic: '7f454c4602010100000000000000000002000201',
    mask: 'fffffffffffffffc00fffffffffffffffeffffff',
    // ori a0,zero,42; ori a7,zero,93; syscall 0
    flags: 0x43,
    probe: '04a88003 0b748103 00002b00',
    loaders: ['/lib64/ld-linux-loongarch-lp64d.so.1', '/lib/ld-musl-loongarch64.so.1'],
  },
  {
    name: 'arm',
    aliases: ['armhf/v7', 'armv7/v7', 'armv7l/v7', 'arm32v7/v7', 'armel/v6', 'armv6/v6', 'armv6l/v6', 'arm32v6/v6'],
    target: 'arm',
    magic: '7f454c4601010100000000000000000002002800',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // finds AT_PLATFORM ("v7l") in the auxiliary vector; exit(64 + the digit). 64: the emulator
    // does not say, so no more than v6 is claimed.
    flags: 0x5000000,
    probe:
      '0d10a0e1042091e4021181e0041081e2042091e4000052e3fcffff1a0c00b1e8000052e34000a0030300000a' +
      '0f0052e3f9ffff1a0100d3e5100080e20170a0e3000000ef',
    levels: { 64: 6, 69: 5, 70: 6, 71: 7, 72: 8 },
    listed: [7, 6],
  },
  {
    name: 'alpha',
    aliases: [],
    target: 'alpha',
    magic: '7f454c4602010100000000000000000002002690',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // lda $16,42($31); lda $0,1($31); call_pal 0x83
    probe: '2a001f22 01001f20 83000000',
  },
  {
    name: 'arm64be',
    aliases: ['aarch64_be'],
    target: 'aarch64_be',
    magic: '7f454c46020201000000000000000000000200b7',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    // mov w0,#42; mov w8,#93; svc #0 (instructions stay little-endian)
    probe: '40058052 a80b8052 010000d4',
  },
  {
    name: 'armbe',
    aliases: ['armeb'],
    target: 'armeb',
    magic: '7f454c4601020100000000000000000000020028',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    // mov r0,#42; mov r7,#1; svc #0 (BE8: instructions stay little-endian)
    flags: 0x5800000,
    probe: '2a00a0e3 0170a0e3 000000ef',
  },
  {
    name: 'hexagon',
    aliases: [],
    target: 'hexagon',
    magic: '7f454c460101010000000000000000000200a400',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // { r0=#42; r6=#93 } { trap0(#1) }
    flags: 0x60,
    probe: '40450078 a6cb0078 04c00054',
  },
  {
    name: 'hppa',
    aliases: ['parisc'],
    target: 'hppa',
    magic: '7f454c460102010000000000000000000002000f',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    // ldi 42,%r26; ble 0x100(%sr2,%r0); ldi 1,%r20 [delay slot]
    flags: 0x210,
    probe: '341a0054 e4008200 34140002',
  },
  {
    name: 'm68k',
    aliases: [],
    target: 'm68k',
    magic: '7f454c4601020100000000000000000000020004',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    // moveq #42,d1; moveq #1,d0; trap #0
    probe: '722a 7001 4e40',
  },
  {
    name: 'microblaze',
    aliases: [],
    target: 'microblaze',
    magic: '7f454c460102010000000000000000000002baab',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    // addik r5,r0,42; addik r12,r0,1; brki r14,8
    probe: '30a0002a 31800001 b9cc0008',
  },
  {
    name: 'microblazeel',
    aliases: ['microblazele'],
    target: 'microblazeel',
    magic: '7f454c460101010000000000000000000200abba',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // addik r5,r0,42; addik r12,r0,1; brki r14,8
    probe: '2a00a030 01008031 0800ccb9',
  },
  {
    name: 'mips',
    aliases: [],
    target: 'mips',
    magic: '7f454c46010201000000000000000000000200080000000100000000000000000000000000000000',
    mask: 'ffffffffffffff0000fffffffffffffffffeffffffffffff00000000000000000000000000000020',
    // li a0,42; li v0,4001; syscall
    flags: 0x1000,
    probe: '2404002a 24020fa1 0000000c',
  },
  {
    name: 'mips64p32',
    aliases: ['mipsn32'],
    target: 'mipsn32',
    magic: '7f454c46010201000000000000000000000200080000000100000000000000000000000000000020',
    mask: 'ffffffffffffff0000fffffffffffffffffeffffffffffff00000000000000000000000000000020',
    // li a0,42; li v0,6058; syscall
    flags: 0x20000020,
    probe: '2404002a 240217aa 0000000c',
  },
  {
    name: 'mips64p32le',
    aliases: ['mipsn32el'],
    target: 'mipsn32el',
    magic: '7f454c46010101000000000000000000020008000100000000000000000000000000000020000000',
    mask: 'ffffffffffffff0000fffffffffffffffeffffffffffffff00000000000000000000000020000000',
    // li a0,42; li v0,6058; syscall
    flags: 0x20000020,
    probe: '2a000424 aa170224 0c000000',
  },
  {
    name: 'mipsle',
    aliases: ['mipsel'],
    target: 'mipsel',
    magic: '7f454c46010101000000000000000000020008000100000000000000000000000000000000000000',
    mask: 'ffffffffffffff0000fffffffffffffffeffffffffffffff00000000000000000000000020000000',
    // li a0,42; li v0,4001; syscall
    flags: 0x1000,
    probe: '2a000424 a10f0224 0c000000',
  },
  {
    name: 'or1k',
    aliases: ['openrisc'],
    target: 'or1k',
    magic: '7f454c460102010000000000000000000002005c',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    // l.ori r3,r0,42; l.ori r11,r0,93; l.sys 1
    probe: 'a860002a a960005d 20000001',
  },
  {
    name: 'ppc',
    aliases: ['powerpc'],
    target: 'ppc',
    magic: '7f454c4601020100000000000000000000020014',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    // li 3,42; li 0,1; sc
    probe: '3860002a 38000001 44000002',
  },
  {
    name: 'riscv',
    aliases: ['riscv32'],
    target: 'riscv32',
    magic: '7f454c460101010000000000000000000200f300',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // li a0,42; li a7,93; ecall
    probe: '1305a002 9308d005 73000000',
  },
  {
    name: 'sh4',
    aliases: [],
    target: 'sh4',
    magic: '7f454c4601010100000000000000000002002a00',
    mask: 'fffffffffffffffcfffffffffffffffffeffffff',
    // mov #42,r4; mov #1,r3; trapa #0x11
    flags: 0x9,
    probe: '2ae4 01e3 11c3',
  },
  {
    name: 'sh4eb',
    aliases: [],
    target: 'sh4eb',
    magic: '7f454c460102010000000000000000000002002a',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    // mov #42,r4; mov #1,r3; trapa #0x11
    flags: 0x9,
    probe: 'e42a e301 c311',
  },
  {
    name: 'sparc',
    aliases: [],
    target: 'sparc',
    magic: '7f454c4601020100000000000000000000020002',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    // mov 42,%o0; mov 1,%g1; ta 0x10
    probe: '9010202a 82102001 91d02010',
  },
  {
    name: 'sparc32plus',
    aliases: [],
    target: 'sparc32plus',
    magic: '7f454c4601020100000000000000000000020012',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    // mov 42,%o0; mov 1,%g1; ta 0x10
    flags: 0x100,
    probe: '9010202a 82102001 91d02010',
  },
  {
    name: 'sparc64',
    aliases: [],
    target: 'sparc64',
    magic: '7f454c460202010000000000000000000002002b',
    mask: 'fffffffffffffffcfffffffffffffffffffeffff',
    // mov 42,%o0; mov 1,%g1; ta 0x6d
    probe: '9010202a 82102001 91d0206d',
  },
  {
    name: 'xtensa',
    aliases: [],
    target: 'xtensa',
    magic: '7f454c4601010100000000000000000002005e00',
    mask: 'ffffffffffffff00fffffffffffffffffeffffff',
    // movi a2,118; movi.n a6,42; syscall
    flags: 0x300,
    probe: '22a076 2ca6 005000',
  },
  {
    name: 'xtensaeb',
    aliases: [],
    target: 'xtensaeb',
    magic: '7f454c460102010000000000000000000002005e',
    mask: 'ffffffffffffff00fffffffffffffffffffeffff',
    // movi a2,118; movi.n a6,42; syscall
    flags: 0x300,
    probe: '220a76 c26a 000500',
  },
];
