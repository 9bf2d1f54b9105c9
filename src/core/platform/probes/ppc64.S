/*
 * The probe of linux/ppc64. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into r0, the argument into r3, and sc makes the call. Number 1 is exit.
 *
 * Its ELF header says ELFv2 (elfFlags 2), so the entry point is the code itself. Under ELFv1 it would be a
 * function descriptor.
 *
 * Assembler: powerpc64-linux-gnu-as -a64 -mbig
 * Package: binutils-powerpc64-linux-gnu
 */
	.section .probe, "ax"
	li	3, 42
	li	0, 1
	sc
