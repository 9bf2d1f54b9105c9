/*
 * The probe of linux/mips64. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into $v0, the argument into $a0, and syscall makes the call. Number 5058 is exit
 * of the n64 ABI.
 *
 * Assembler: mips64-linux-gnuabi64-as -EB -mabi=64
 * Package: binutils-mips64-linux-gnuabi64
 */
	.section .probe, "ax"
	li	$a0, 42
	li	$v0, 5058
	syscall
