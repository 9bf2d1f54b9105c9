/*
 * The probe of linux/mips64p32le. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into $v0, the argument into $a0, and syscall makes the call. Number 6058 is exit
 * of the n32 ABI.
 *
 * Its ELF header says n32 (0x20 in elfFlags). That bit alone tells its programs from those of the o32 ABI.
 *
 * Assembler: mips64el-linux-gnuabi64-as -EL -mabi=n32
 * Package: binutils-mips64el-linux-gnuabi64
 */
	.section .probe, "ax"
	li	$a0, 42
	li	$v0, 6058
	syscall
