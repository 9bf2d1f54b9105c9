/*
 * The probe of linux/386. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into eax, the argument into ebx, and int $0x80 makes the call. Number 1 is exit.
 *
 * Assembler: i686-linux-gnu-as --32
 * Package: binutils-i686-linux-gnu
 */
	.section .probe, "ax"
	push	$1
	pop	%eax
	push	$42
	pop	%ebx
	int	$0x80
