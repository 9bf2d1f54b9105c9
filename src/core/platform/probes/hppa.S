/*
 * The probe of linux/hppa. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into %r20, the argument into %r26, and a branch to 0x100 in the space %sr2, the
 * gateway page, makes the call. Number 1 is exit. The last instruction is in the delay slot of the branch, so it
 * runs first.
 *
 * Assembler: hppa-linux-gnu-as
 * Package: binutils-hppa-linux-gnu
 */
	.section .probe, "ax"
	ldi	42, %r26
	ble	0x100(%sr2, %r0)
	ldi	1, %r20
