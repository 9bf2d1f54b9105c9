/*
 * The probe of linux/sh4eb. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into r3, the argument into r4, and trapa #0x11 makes the call (0x10 and the
 * number of arguments). Number 1 is exit.
 *
 * Assembler: sh4-linux-gnu-as --big
 * Package: binutils-sh4-linux-gnu
 */
	.section .probe, "ax"
	mov	#42, r4
	mov	#1, r3
	trapa	#0x11
