/*
 * The probe of linux/alpha. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into $0, the argument into $16, and call_pal 0x83 (callsys) makes the call.
 * Number 1 is exit.
 *
 * Assembler: alpha-linux-gnu-as
 * Package: binutils-alpha-linux-gnu
 */
	.section .probe, "ax"
	lda	$16, 42($31)
	lda	$0, 1($31)
	call_pal	0x83
