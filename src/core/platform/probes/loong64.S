/*
 * The probe of linux/loong64. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into $a7, the argument into $a0, and syscall 0 makes the call. Number 93 is exit.
 *
 * Assembler: loongarch64-linux-gnu-as
 * Package: binutils-loongarch64-linux-gnu
 */
	.section .probe, "ax"
	ori	$a0, $zero, 42
	ori	$a7, $zero, 93
	syscall	0
