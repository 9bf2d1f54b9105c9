/*
 * The probe of linux/hexagon. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into r6, the argument into r0, and trap0(#1) makes the call. Number 93 is exit.
 *
 * Debian's binutils do not know Hexagon, but its LLVM does. Braces enclose the instructions that run at the same
 * time. Its ELF header names version 60 of the architecture (elfFlags 0x60); QEMU refuses 0.
 *
 * Assembler: llvm-mc-19 --triple=hexagon --mcpu=hexagonv60 --filetype=obj
 * Package: llvm-19
 */
	.section .probe, "ax"
	{ r0 = #42; r6 = #93 }
	{ trap0(#1) }
