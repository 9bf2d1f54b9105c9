/*
 * The probe of linux/arm64. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into w8, the argument into w0, and svc #0 makes the call. Number 93 is exit.
 *
 * Assembler: aarch64-linux-gnu-as -EL
 * Package: binutils-aarch64-linux-gnu
 */
	.section .probe, "ax"
	mov	w0, #42
	mov	w8, #93
	svc	#0
