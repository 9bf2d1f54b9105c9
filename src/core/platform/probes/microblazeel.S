/*
 * The probe of linux/microblazeel. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into r12, the argument into r5, and brki r14, 8 makes the call. Number 1 is exit.
 *
 * Debian has no assembler for MicroBlaze. GNU binutils 2.40, configured with --target=microblaze-linux-gnu, give
 * this code.
 *
 * Assembler: microblaze-linux-gnu-as -EL
 * Package: none
 */
	.section .probe, "ax"
	addik	r5, r0, 42
	addik	r12, r0, 1
	brki	r14, 8
