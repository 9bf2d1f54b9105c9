/*
 * Directories below a root directory that may be anybody's, such as an unpacked image. Such a tree may hold symbolic
 * links that lead out of it, and it may change at any moment. So a path is resolved as if the process had
 * called chroot(2): absolute links and ".." stay below the root directory (openat2(2), RESOLVE_IN_ROOT). Missing
 * levels are created in the directory that is open already, never by a path.
 *
 * Without openat2(2), which Linux has since 5.6, the path is walked level by level, and no link is accepted at all.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC };

/* With a ".." in the path, openat2 fails with EAGAIN whenever anything on the machine was renamed meanwhile. */
enum { TRIES = 128 };

static int open_in_root(int root, const char *path) {
	struct open_how how = {.flags = DIRECTORY, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd = -1;
	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof how);
		if (fd >= 0 || errno != EAGAIN) break;
	}
	return (int)fd;
}

static int open_without_links(int parent, const char *name) {
	struct stat found;

	if (!strcmp(name, "..")) { errno = EXDEV; return -1; }
	int fd = openat(parent, name, DIRECTORY | O_NOFOLLOW);
	if (fd >= 0 || errno != ENOTDIR) return fd;
	bool link = fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode);
	errno = link ? ELOOP : ENOTDIR;
	return -1;
}

/* `path` leads from `root` to the directory `name` in `parent`. EPERM is how old seccomp profiles refuse openat2. */
static int open_level(int root, const char *path, int parent, const char *name) {
	static bool unavailable;

	if (!unavailable) {
		int fd = open_in_root(root, path);
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
		unavailable = true;
	}
	return open_without_links(parent, name);
}

static int open_or_create_level(int root, const char *path, int parent, const char *name, bool create) {
	int fd = open_level(root, path, parent, name);
	if (fd >= 0 || errno != ENOENT || !create) return fd;
	/*
	 * Everybody on the host may read it, whatever the mask of the caller is. EEXIST: another process has created it
	 * meanwhile, or it is a link that leads nowhere.
	 */
	mode_t mask = umask(0);
	int created = mkdirat(parent, name, 0755);
	umask(mask);
	if (created < 0 && errno != EEXIST) return -1;
	return open_level(root, path, parent, name);
}

static void close_keeping_errno(int fd) {
	int error = errno;
	close(fd);
	errno = error;
}

/* Returns a file descriptor, or -1 with errno. Opens each level in turn, since the next one may have to be created. */
static int open_below(int root, const char *path, bool create) {
	char *copy = strdup(path);
	int fd = openat(root, ".", DIRECTORY);

	if (!copy) abort();
	for (char *name = copy, *end; fd >= 0 && *name; name = end) {
		end = name + strcspn(name, "/");
		char separator = *end;
		*end = 0;
		if (*name) {
			int next = open_or_create_level(root, copy, fd, name, create);
			close_keeping_errno(fd);
			fd = next;
		}
		if (separator) *end++ = separator;
	}
	free(copy);
	return fd;
}

/* PID is the launcher's as /proc names it, which may belong to another PID namespace than the launcher. */
void open_directory(const char *root, const char *path, bool create) {
	char self[16] = "";
	int fd = -1, top = open(root, DIRECTORY);

	if (top >= 0) fd = open_below(top, path, create);
	if (top >= 0) close_keeping_errno(top);
	if (fd >= 0 && readlink("/proc/self", self, sizeof self - 1) < 0) {
		close_keeping_errno(fd);
		fd = -1;
	}
	if (fd < 0) answer_errno(-1);
	else printf("fd\t%d\t%s\n", fd, self);
}

/* Closes nothing but what open_directory has opened; only those descriptors are made with O_PATH. */
int close_directory(int fd) {
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && flags & O_PATH) return close(fd);
	errno = EBADF;
	return -1;
}

/* The lock lasts until the launcher ends. A descriptor of O_PATH cannot have one. */
int lock_directory(int fd) {
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !(flags & O_PATH)) { errno = EBADF; return -1; }
	int directory = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0) return -1;
	int result = flock(directory, LOCK_EX | LOCK_NB);
	if (result < 0) close_keeping_errno(directory);
	return result;
}
