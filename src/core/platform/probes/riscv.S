/*
 * The probe of linux/riscv. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into a7, the argument into a0, and ecall makes the call. Number 93 is exit.
 *
 * The base instruction set (rv32i) keeps the assembler from choosing compressed instructions, which a processor
 * need not have.
 *
 * Assembler: riscv64-linux-gnu-as -march=rv32i -mabi=ilp32
 * Package: binutils-riscv64-linux-gnu
 */
	.section .probe, "ax"
	li	a0, 42
	li	a7, 93
	ecall
