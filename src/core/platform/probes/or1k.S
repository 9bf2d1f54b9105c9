/*
 * The probe of linux/or1k. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into r11, the argument into r3, and l.sys 1 makes the call. Number 93 is exit.
 *
 * Assembler: or1k-elf-as
 * Package: binutils-or1k-elf
 */
	.section .probe, "ax"
	l.ori	r3, r0, 42
	l.ori	r11, r0, 93
	l.sys	1
