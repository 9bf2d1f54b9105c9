/*
 * The system calls that Node.js has no name for: mount(2), umount(2), and execve(2)
 * with its true errno (Node's spawn goes through execvp, which hands a file that the
 * kernel refuses to a shell). It does what it is told and reports facts; what they mean
 * is decided in TypeScript.
 *
 * Requests come on standard input, one a line, fields separated by tabs:
 *
 *   mount TYPE DIR [PID]         ok | errno N       in the mount namespace of that process, if one is named
 *   umount DIR                   ok | errno N
 *   bind FROM DIR                ok | errno N       with all that is mounted below
 *   unshare NAMESPACES           ok | errno N       "user", "user,mount": new ones, for all that comes
 *   put FILE HEX                 ok | errno N       one write(2) to a file that is there
 *   become ROOT HEX              ok | errno N       a command, its words each ended by a null byte: what the
 *                                                   launcher becomes as soon as its master has ended
 *   write FILE HEX               ok | errno N       makes an executable; where FILE is "-", it is held
 *                                fd N               in memory instead, as /proc/self/fd/N
 *   run ROOT FILE [NAME=VALUE]   (no answer)        queues FILE; ROOT "-" means no chroot
 *   look ROOT FILE               (no answer)        the same, but ended as soon as it is started
 *   go MS                        a line for each queued run, in order, after all have ended:
 *
 *     exit|signal|timeout|chroot|exec  NUMBER  MICROSECONDS  EXE  OUTPUT
 *     looked                           SIZE    MICROSECONDS  EXE  BEGINNING
 *
 * NUMBER is the exit status, the signal, 0, or the errno of the call that failed. SIZE is that of the
 * file EXE, in bytes, and BEGINNING its first 4096. EXE is
 * what /proc/PID/exe named just after execve: the file itself when the processor runs it,
 * the interpreter when an entry of binfmt_misc matched. EXE and OUTPUT (the first bytes of
 * standard output and error) are in hexadecimal. The end of standard input ends the launcher.
 *
 * "launcher PID INPUT OUTPUT": that child is its master, whose signals it passes on, and as which it ends. It takes
 * the ends of all other children, as process 1 of a container has to.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static void answer_errno(int result) {
	if (result < 0) printf("errno\t%d\n", errno);
	else puts("ok");
}

/* The last one that was made here and not undone. */
static char *mounted;

static int mount_here(const char *type, const char *dir) {
	int result = mount(type, dir, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (result == 0) free(mounted), mounted = strdup(dir);
	return result;
}

static int unmount(const char *dir) {
	int result = umount2(dir, UMOUNT_NOFOLLOW);
	if (result == 0) free(mounted), mounted = NULL;
	return result;
}

void undo_mount(void) {
	if (mounted) unmount(mounted);
}

/* In a child, which alone moves to the other namespace and there to its root directory. */
static int mount_with(const char *type, const char *dir, const char *pid) {
	char file[64];
	int result = -1;

	snprintf(file, sizeof file, "/proc/%ld/ns/mnt", strtol(pid, NULL, 10));
	int namespace = open(file, O_RDONLY | O_CLOEXEC);
	if (namespace < 0) return -1;
	pid_t child = fork();
	if (child == 0) _exit(setns(namespace, CLONE_NEWNS) < 0 || mount_here(type, dir) < 0 ? errno : 0);
	if (child > 0) result = wait_for(child);
	close(namespace);
	if (result > 0) errno = result;
	return result == 0 ? 0 : -1;
}

/* Turns hexadecimal digits into bytes, in place; returns their number. */
static size_t from_hex(char *hex) {
	size_t length = 0;
	for (unsigned byte; sscanf(hex + 2 * length, "%2x", &byte) == 1; length++) hex[length] = (char)byte;
	return length;
}

static void write_executable(const char *file, char *hex) {
	bool memory = !strcmp(file, "-");
	/* Not close-on-exec: an interpreter opens the file by its path, after the exec. */
	int fd = memory ? memfd_create("program", MFD_EXEC) : open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (memory && fd < 0 && errno == EINVAL) fd = memfd_create("program", 0); /* Linux before 6.3 */
	size_t length = from_hex(hex);
	bool failed = fd < 0 || fchmod(fd, 0755) < 0 || write(fd, hex, length) != (ssize_t)length;

	if (memory && !failed) { printf("fd\t%d\n", fd); return; }
	answer_errno(failed ? -1 : 0);
	if (fd >= 0) close(fd);
}

static int put(const char *file, char *hex) {
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	size_t length = from_hex(hex);

	if (fd < 0) return -1;
	ssize_t written = write(fd, hex, length);
	int error = errno;
	close(fd);
	errno = error;
	return written == (ssize_t)length ? 0 : -1;
}

static int leave_namespaces(const char *names) {
	return unshare((strstr(names, "user") ? CLONE_NEWUSER : 0) | (strstr(names, "mount") ? CLONE_NEWNS : 0));
}

static void answer(const char *request) {
	char *line = strdup(request), *fields[MAX_FIELDS], *rest = line;
	int n = 0;

	if (!line) abort();
	while (n < MAX_FIELDS - 1 && rest) fields[n++] = strsep(&rest, "\t");
	if ((!strcmp(fields[0], "run") || !strcmp(fields[0], "look")) && n >= 3) {
		queue_run(fields, n, line);
		return; /* the queue owns the line now */
	}
	if (!strcmp(fields[0], "mount") && n == 3)
		answer_errno(mount_here(fields[1], fields[2]));
	else if (!strcmp(fields[0], "mount") && n == 4)
		answer_errno(mount_with(fields[1], fields[2], fields[3]));
	else if (!strcmp(fields[0], "umount") && n == 2)
		answer_errno(unmount(fields[1]));
	else if (!strcmp(fields[0], "bind") && n == 3)
		answer_errno(mount(fields[1], fields[2], NULL, MS_BIND | MS_REC, NULL));
	else if (!strcmp(fields[0], "unshare") && n == 2)
		answer_errno(leave_namespaces(fields[1]));
	else if (!strcmp(fields[0], "put") && n == 3)
		answer_errno(put(fields[1], fields[2]));
	else if (!strcmp(fields[0], "become") && n == 3)
		puts(will_become(fields[1], fields[2], from_hex(fields[2])) ? "ok" : "bad request");
	else if (!strcmp(fields[0], "write") && n == 3)
		write_executable(fields[1], fields[2]);
	else if (!strcmp(fields[0], "go") && n == 2)
		go(strtol(fields[1], NULL, 10));
	else
		puts("bad request");
	free(line);
}

/* Reads what there is, and answers every whole line. False at the end of the input. */
static bool answer_requests(void) {
	enum { CHUNK = 65536 };
	static char *buffer;
	static size_t used, room;

	if (room - used < CHUNK) buffer = realloc(buffer, room += 2 * CHUNK);
	if (!buffer) abort();
	ssize_t length = read(STDIN_FILENO, buffer + used, room - used);
	if (length <= 0) return length < 0 && errno == EINTR;
	used += (size_t)length;
	char *start = buffer;
	for (char *end; (end = memchr(start, '\n', used - (size_t)(start - buffer))); start = end + 1) {
		*end = 0;
		answer(start);
	}
	fflush(stdout);
	used -= (size_t)(start - buffer);
	memmove(buffer, start, used);
	return true;
}

int main(int argc, char **argv) {
	serve(argc > 1 ? argv[1] : NULL);
	if (argc > 3) keep_streams(argv[2], argv[3]);
	struct pollfd polled[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

	for (bool more = true; more && !master_ended();) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR) break;
		if (polled[1].revents) take_signals();
		if (polled[0].revents) more = answer_requests();
	}
	return end_as_master();
}
