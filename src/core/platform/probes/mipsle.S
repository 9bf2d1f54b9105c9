/*
 * The probe of linux/mipsle. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into $v0, the argument into $a0, and syscall makes the call. Number 4001 is exit
 * of the o32 ABI.
 *
 * Assembler: mipsel-linux-gnu-as -EL -mabi=32
 * Package: binutils-mipsel-linux-gnu
 */
	.section .probe, "ax"
	li	$a0, 42
	li	$v0, 4001
	syscall
