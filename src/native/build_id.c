/*
 * The build ID of an ELF file: a number that the linker makes from the contents, so that two files with the same one come
 * from the same build. Source: elf(5), "Notes"; ld(1), --build-id.
 */
#include "launcher.h"
#include <elf.h>
#include <stdio.h>
#include <string.h>

enum { ALIGNMENT = 4 };

static size_t aligned(size_t size) {
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* Looks for the note of the linker among the notes in `notes`. Returns the number of hexadecimal digits. */
static size_t find_in_notes(const char *notes, size_t size, char *hex, size_t room) {
	for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= size;) {
		Elf64_Nhdr note;
		memcpy(&note, notes + at, sizeof note);
		size_t name = at + sizeof note, id = name + aligned(note.n_namesz);
		if (note.n_namesz > size || note.n_descsz > size || id + note.n_descsz > size) return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(notes + name, "GNU", 4)) {
			if (2 * note.n_descsz + 1 > room) return 0;
			for (size_t i = 0; i < note.n_descsz; i++) snprintf(hex + 2 * i, 3, "%02x", (unsigned char)notes[id + i]);
			return 2 * note.n_descsz;
		}
		at = id + aligned(note.n_descsz);
	}
	return 0;
}

void read_build_id(const char *beginning, size_t length, char *hex, size_t room) {
	Elf64_Ehdr header;

	hex[0] = 0;
	if (length < sizeof header) return;
	memcpy(&header, beginning, sizeof header);
	/* An emulator is a program for this machine, so its byte order is that of the launcher. */
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64) return;
	for (size_t i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		size_t at = header.e_phoff + i * sizeof segment;
		if (header.e_phoff > length || at + sizeof segment > length) return;
		memcpy(&segment, beginning + at, sizeof segment);
		if (segment.p_type != PT_NOTE || segment.p_offset > length || segment.p_filesz > length - segment.p_offset) continue;
		if (find_in_notes(beginning + segment.p_offset, segment.p_filesz, hex, room)) return;
	}
}
