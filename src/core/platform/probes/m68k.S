/*
 * The probe of linux/m68k. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into d0, the argument into d1, and trap #0 makes the call. Number 1 is exit.
 *
 * Assembler: m68k-linux-gnu-as
 * Package: binutils-m68k-linux-gnu
 */
	.section .probe, "ax"
	moveq	#42, %d1
	moveq	#1, %d0
	trap	#0
