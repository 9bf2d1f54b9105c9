/*
 * Opens and creates files as tar does since its fix of CVE-2025-45582: with openat2, within a directory. Prints what
 * failed, and exits with 1 then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct how {
	uint64_t flags, mode, resolve;
};

enum { BENEATH = 8 };

static int open_beneath(const char *path, int flags, int mode) {
	struct how how = {.flags = flags | O_NOFOLLOW | O_CLOEXEC, .mode = mode, .resolve = BENEATH};
	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static int fails(const char *what) {
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

int main(void) {
	const char *name = "openat2-test";
	if (open_beneath(".", O_RDONLY | O_DIRECTORY, 0) < 0) return fails("Cannot open");
	unlink(name);
	if (open_beneath(name, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY | O_NONBLOCK, 0600) < 0) return fails("Cannot create");
	unlink(name);
	if (open_beneath("..", O_RDONLY | O_DIRECTORY, 0) >= 0 || errno != EXDEV) return fails("Not confined");
	return 0;
}
