/*
 * The probe of linux/arm64be. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into w8, the argument into w0, and svc #0 makes the call. Number 93 is exit.
 *
 * Instructions are little-endian on a big-endian Arm processor too, so the code is that of arm64.
 *
 * Assembler: aarch64-linux-gnu-as -EB
 * Package: binutils-aarch64-linux-gnu
 */
	.section .probe, "ax"
	mov	w0, #42
	mov	w8, #93
	svc	#0
