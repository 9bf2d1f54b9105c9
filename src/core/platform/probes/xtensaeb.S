/*
 * The probe of linux/xtensaeb. It exits with status 42 (PROBE_SUCCESS in architectures.ts).
 *
 * System call: the number goes into a2, the argument into a6, and syscall makes the call. Number 118 is exit.
 *
 * An Xtensa assembler knows only the core that it was built for, and instructions are laid out differently on a
 * big-endian core. Debian has none for such a core. The test that runs the probes under QEMU checks this code.
 *
 * Assembler: xtensa-fsf-elf-as
 * Package: none
 */
	.section .probe, "ax"
	movi	a2, 118
	movi.n	a6, 42
	syscall
