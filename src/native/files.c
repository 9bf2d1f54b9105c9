/* Files that Node.js cannot write by itself: executables in memory, and files of the launcher's own /proc/self. */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

void write_executable(const char *file, const char *bytes, size_t length) {
	bool memory = !strcmp(file, "-");
	/* Not close-on-exec in memory: an interpreter opens the file by its path, which is after the exec. */
	int fd = memory ? memfd_create("program", MFD_EXEC) : open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (memory && fd < 0 && errno == EINVAL) fd = memfd_create("program", 0); /* Linux before 6.3 */
	bool failed = fd < 0 || fchmod(fd, 0755) < 0 || write(fd, bytes, length) != (ssize_t)length;

	if (memory && !failed) { printf("fd\t%d\n", fd); return; }
	answer_errno(failed ? -1 : 0);
	if (fd >= 0) close(fd);
}

static int write_once(int fd, const char *bytes, size_t length) {
	ssize_t written = write(fd, bytes, length);
	if (written >= 0 && (size_t)written != length) errno = EIO;
	return written == (ssize_t)length ? 0 : -1;
}

/* A child writes, because there is no way back from chroot(2). The file was opened before, so its path is not below `root`. */
static int write_from(int fd, const char *bytes, size_t length, const char *root) {
	pid_t child = fork();
	if (child == 0) _exit(chroot(root) < 0 || chdir("/") < 0 || write_once(fd, bytes, length) < 0 ? errno : 0);
	int result = child > 0 ? wait_for(child) : -1;
	if (result > 0) errno = result;
	return result == 0 ? 0 : -1;
}

/* Files in /proc, such as uid_map, and those of binfmt_misc take what they are given in a single write(2). */
int write_existing(const char *file, const char *bytes, size_t length, const char *root) {
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0) return -1;
	int result = root ? write_from(fd, bytes, length, root) : write_once(fd, bytes, length), error = errno;
	close(fd);
	errno = error;
	return result;
}
