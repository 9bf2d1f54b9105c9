/*
 * The probe of linux/arm. It exits with status 64 + VERSION, where VERSION is that of the Arm architecture: 69 for
 * v5, 70 for v6, 71 for v7, 72 for v8. Status 64 means that the kernel or emulator does not tell.
 *
 * System call: the number goes into r7, the argument into r0, and svc #0 makes the call (EABI). Number 1 is exit.
 *
 * The version is the digit in the string of AT_PLATFORM ("v7l"), a pair of the auxiliary vector, which the kernel
 * puts on the stack behind arguments and environment (getauxval(3)). So no instruction is tried that an older
 * processor does not have.
 *
 *     sp ->  argc | argv[0] ... argv[argc - 1] | 0 | envp[0] ... | 0 | type, value | type, value | ... | 0, 0
 *
 * Its ELF header says EABI version 5 (elfFlags 0x05000000), which arm64 kernels require of 32-bit programs.
 *
 * Assembler: arm-linux-gnueabi-as -EL
 * Package: binutils-arm-linux-gnueabi
 */
	.section .probe, "ax"
	.arm
	.equ	AT_NULL, 0
	.equ	AT_PLATFORM, 15

	mov	r1, sp
	ldr	r2, [r1], #4		/* r2 = argc; r1 = argv */
	add	r1, r1, r2, lsl #2
	add	r1, r1, #4		/* behind argv and the zero at its end: r1 = envp */
environment:
	ldr	r2, [r1], #4
	cmp	r2, #0
	bne	environment		/* behind the zero at its end: r1 = the auxiliary vector */
vector:
	ldm	r1!, {r2, r3}		/* r2 = type, r3 = value */
	cmp	r2, #AT_NULL
	moveq	r0, #64			/* there is no AT_PLATFORM */
	beq	exit
	cmp	r2, #AT_PLATFORM
	bne	vector
	ldrb	r0, [r3, #1]		/* the digit behind the "v", as a character: '7' is 55 */
	add	r0, r0, #16		/* 55 + 16 = 64 + 7 */
exit:
	mov	r7, #1
	svc	#0
