/*
 * The probe of linux/amd64. It exits with status 64 + LEVEL, the highest microarchitecture level, 1 to 4, that the
 * processor has and the kernel lets programs use.
 *
 * System call: the number goes into rax, the argument into rdi, and syscall makes the call. Number 60 is exit.
 *
 * The features of each level are those of the x86-64 psABI, "Micro-Architecture Levels". The bits are those of
 * cpuid in the Intel SDM, volume 2A. A level counts only if all lower levels do. Each cpuid result is inverted, so
 * one test instruction finds a missing feature among many.
 *
 * push and pop set a register in three bytes; mov takes five.
 *
 * Assembler: x86_64-linux-gnu-as --64
 * Package: binutils-x86-64-linux-gnu
 */
	.section .probe, "ax"

	push	$65			/* v1, which every x86-64 processor has: edi = 64 + 1 */
	pop	%rdi

	xor	%eax, %eax		/* leaf 0: eax = the highest leaf that the processor knows */
	cpuid
	xchg	%eax, %ebp		/* ebp = the highest leaf */
	push	$1			/* leaf 1: ecx = features */
	pop	%rax
	cpuid
	not	%ecx
	xchg	%ecx, %esi		/* esi = features of leaf 1 that are missing */
	mov	$0x80000001, %eax	/* extended leaf 1: ecx = features */
	cpuid
	not	%ecx			/* ecx = features of extended leaf 1 that are missing */

	/* v2: LAHF in 64-bit mode (bit 0 of extended leaf 1) */
	test	$1, %cl
	jnz	exit
	/* and SSE3 (bit 0), SSSE3 (9), CMPXCHG16B (13), SSE4.1 (19), SSE4.2 (20), POPCNT (23) of leaf 1 */
	test	$0x982201, %esi
	jnz	exit
	inc	%edi

	/* v3: LZCNT (bit 5 of extended leaf 1) */
	test	$0x20, %cl
	jnz	exit
	/* and FMA (bit 12), MOVBE (22), OSXSAVE (27), AVX (28), F16C (29) of leaf 1 */
	test	$0x38401000, %esi
	jnz	exit
	push	$7			/* leaf 7, if the processor has it */
	pop	%rax
	cmp	%eax, %ebp
	jb	exit
	xor	%ecx, %ecx		/* its subleaf 0: ebx = features */
	cpuid
	not	%ebx			/* ebx = features of leaf 7 that are missing */
	xor	%ecx, %ecx		/* XCR0: eax = the register state that the kernel saves; OSXSAVE allows xgetbv */
	xgetbv
	not	%eax			/* eax = state that is not saved */
	/* and the state of XMM (bit 1) and YMM (2) registers */
	test	$6, %al
	jnz	exit
	/* and BMI1 (bit 3), AVX2 (5), BMI2 (8) of leaf 7 */
	test	$0x128, %ebx
	jnz	exit
	inc	%edi

	/* v4: the state of opmask registers (bit 5), of the upper halves of ZMM0-15 (6), and of ZMM16-31 (7) */
	test	$0xe0, %al
	jnz	exit
	/* and AVX512F (bit 16), AVX512DQ (17), AVX512CD (28), AVX512BW (30), AVX512VL (31) of leaf 7 */
	test	$0xd0030000, %ebx
	jnz	exit
	inc	%edi

exit:
	push	$60
	pop	%rax
	syscall
