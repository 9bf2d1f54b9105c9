/* Mounts and namespaces: mount(2), umount2(2), setns(2) and unshare(2), for which Node.js has no functions. */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The directory of the last mount that mount_here made and unmount has not undone; else NULL. */
static char *mounted;

int mount_here(const char *type, const char *dir) {
	int result = mount(type, dir, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (result == 0) free(mounted), mounted = strdup(dir);
	return result;
}

int unmount(const char *dir) {
	int result = umount2(dir, UMOUNT_NOFOLLOW);
	if (result == 0) free(mounted), mounted = NULL;
	return result;
}

void undo_mount(void) {
	if (mounted) unmount(mounted);
}

/* setns also changes the root directory. So a child does it, and the launcher stays in its own namespace. */
int mount_in(const char *type, const char *dir, long pid) {
	char file[64];
	int result = -1;

	snprintf(file, sizeof file, "/proc/%ld/ns/mnt", pid);
	int namespace = open(file, O_RDONLY | O_CLOEXEC);
	if (namespace < 0) return -1;
	pid_t child = fork();
	if (child == 0) _exit(setns(namespace, CLONE_NEWNS) < 0 || mount_here(type, dir) < 0 ? errno : 0);
	if (child > 0) result = wait_for(child);
	close(namespace);
	if (result > 0) errno = result;
	return result == 0 ? 0 : -1;
}

int bind_recursively(const char *from, const char *dir) {
	return mount(from, dir, NULL, MS_BIND | MS_REC, NULL);
}

int unshare_namespaces(const char *names) {
	if (!strcmp(names, "user")) return unshare(CLONE_NEWUSER);
	if (!strcmp(names, "user,mount")) return unshare(CLONE_NEWUSER | CLONE_NEWNS);
	errno = EINVAL;
	return -1;
}

/* An overlay needs two directories below it. */
int relabel(const char *dir, const char *empty, const char *label) {
	char *options;

	if (asprintf(&options, "lowerdir=%s:%s,context=\"%s\"", dir, empty, label) < 0) return -1;
	int result = mount("overlay", dir, "overlay", MS_RDONLY | MS_NODEV, options), error = errno;
	free(options);
	errno = error;
	return result;
}

/* Both at once: in another user namespace the launcher may no longer open that process's mount namespace. */
int enter_namespaces(long pid) {
	int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0U);
	if (process < 0) return -1;
	int result = setns(process, CLONE_NEWUSER | CLONE_NEWNS), error = errno;
	close(process);
	errno = error;
	return result;
}
