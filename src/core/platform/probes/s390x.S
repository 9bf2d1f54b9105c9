/*
 * The probe of linux/s390x. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number is part of the instruction svc, and the argument goes into r2. Number 1 is exit.
 *
 * Assembler: s390x-linux-gnu-as -m64
 * Package: binutils-s390x-linux-gnu
 */
	.section .probe, "ax"
	lghi	%r2, 42
	svc	1
