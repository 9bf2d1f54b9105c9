/*
 * The probe of linux/xtensa. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into a2, the argument into a6, and syscall makes the call. Number 118 is exit.
 *
 * Assembler: xtensa-lx106-elf-as
 * Package: binutils-xtensa-lx106
 */
	.section .probe, "ax"
	movi	a2, 118
	movi.n	a6, 42
	syscall
