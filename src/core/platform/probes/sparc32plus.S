/*
 * The probe of linux/sparc32plus. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into %g1, the argument into %o0, and ta 0x10 makes the call. Number 1 is exit.
 *
 * Assembler: sparc64-linux-gnu-as -32 -Av8plus
 * Package: binutils-sparc64-linux-gnu
 */
	.section .probe, "ax"
	mov	42, %o0
	mov	1, %g1
	ta	0x10
