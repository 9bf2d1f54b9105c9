/*
 * The probe of linux/ppc. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into r0, the argument into r3, and sc makes the call. Number 1 is exit.
 *
 * Assembler: powerpc-linux-gnu-as -a32 -mbig
 * Package: binutils-powerpc-linux-gnu
 */
	.section .probe, "ax"
	li	3, 42
	li	0, 1
	sc
