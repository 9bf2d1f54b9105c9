/*
 * The probe of linux/armbe. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into r7, the argument into r0, and svc #0 makes the call (EABI). Number 1 is
 * exit.
 *
 * Its ELF header says BE8 (0x00800000 in elfFlags): data is big-endian, and instructions are little-endian. So
 * the assembler is told little-endian (-EL); usually the linker swaps the instructions (--be8).
 *
 * Assembler: arm-linux-gnueabi-as -EL
 * Package: binutils-arm-linux-gnueabi
 */
	.section .probe, "ax"
	mov	r0, #42
	mov	r7, #1
	svc	#0
