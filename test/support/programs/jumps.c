/*
 * Calls a function on another page, whose permissions and contents change meanwhile. Prints what went wrong. An emulator
 * that has linked both pages must notice each change (qemu/patches/jumps-between-pages.patch).
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGEST_PAGE 65536
#define ON_ITS_OWN_PAGE(section_name) __attribute__((noipa, section(section_name), aligned(LARGEST_PAGE)))

/* The linker names where a section begins; a pointer to a function need not point to its code. */
extern char __start_one[], __start_two[];

ON_ITS_OWN_PAGE("one") static int return_one(void) { return 1; }
ON_ITS_OWN_PAGE("two") __attribute__((used)) static int return_two(void) { return 2; }
ON_ITS_OWN_PAGE("caller") static int call_one(void) { return return_one() + 10; }

static sigjmp_buf before;

static void on_signal(int signal) { siglongjmp(before, signal); }

/* What the function returns; 0 if it cannot be called. Called often, so that the pages are linked. */
static int called(void) {
	if (sigsetjmp(before, 1)) return 0;
	for (int i = 1; i < 1000; i++) call_one();
	return call_one();
}

static int failed;

static void expect(const char *when, int expected) {
	int value = called();
	if (value == expected) return;
	printf("%s: %d, not %d\n", when, value, expected);
	failed = 1;
}

int main(void) {
	static char saved[LARGEST_PAGE];
	size_t page = sysconf(_SC_PAGESIZE);
	memcpy(saved, __start_one, page);
	signal(SIGSEGV, on_signal);
	signal(SIGBUS, on_signal);

	expect("at first", 11);
	mprotect(__start_one, page, PROT_NONE);
	expect("without permission", 0);
	mprotect(__start_one, page, PROT_READ | PROT_EXEC);
	expect("with permission again", 11);

	mmap(__start_one, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memcpy(__start_one, __start_two, page);
	mprotect(__start_one, page, PROT_READ | PROT_WRITE | PROT_EXEC);
	__builtin___clear_cache(__start_one, __start_one + page);
	expect("with another page", 12);
	memcpy(__start_one, saved, page);
	__builtin___clear_cache(__start_one, __start_one + page);
	expect("with other contents", 11);

	munmap(__start_one, page);
	expect("without the page", 0);
	return failed;
}
