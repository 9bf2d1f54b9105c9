/*
 * The launcher becomes a command: the very process that the caller started, with its standard streams,
 * environment, working directory and terminal. So there is nothing between the two that would have to pass on
 * an exit status, a signal or a window's size.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int input = -1, output = -1;
static char *root, **command;

/* File descriptors, in decimal, of the caller's standard input and output; "-1" where there is no command to come. */
void keep_streams(const char *in, const char *out) {
	input = (int)strtol(in, NULL, 10);
	output = (int)strtol(out, NULL, 10);
	fcntl(input, F_SETFD, FD_CLOEXEC);
	fcntl(output, F_SETFD, FD_CLOEXEC);
}

/* `words`: each ended by a null byte. False where there are no streams to give it, or no words. */
bool will_become(const char *dir, char *words, size_t length) {
	size_t count = 0;

	if (input < 0 || length == 0 || words[length - 1]) return false;
	for (size_t i = 0; i < length; i++) count += !words[i];
	command = calloc(count + 1, sizeof *command);
	char *copy = malloc(length);
	if (!command || !copy) abort();
	memcpy(copy, words, length);
	for (size_t i = 0; i < count; i++, copy += strlen(copy) + 1) command[i] = copy;
	root = strcmp(dir, "-") ? strdup(dir) : NULL;
	return true;
}

/* As a shell does: the first in PATH that is there. Not as execvp(3), which gives a shell what the kernel refuses. */
static void run_from_path(void) {
	const char *path = getenv("PATH");
	int error = ENOENT;

	for (char *rest = strdup(path ? path : "/usr/bin:/bin"), *dir; rest && (dir = strsep(&rest, ":"));) {
		char *file;
		struct stat found;
		if (asprintf(&file, "%s/%s", *dir ? dir : ".", command[0]) < 0) abort();
		if (stat(file, &found) < 0 || S_ISDIR(found.st_mode)) continue;
		execv(file, command);
		error = errno;
		if (error != EACCES) break;
	}
	errno = error;
}

/* Returns only where nothing was told. The exit statuses are those of a shell. */
void become_if_told(void) {
	if (!command) return;
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	leave_signals();
	if (root && (chroot(root) < 0 || chdir("/") < 0)) {
		fprintf(stderr, "binfmt: cannot use %s as root directory: %s\n", root, strerror(errno));
		exit(126);
	}
	if (strchr(command[0], '/')) execv(command[0], command);
	else run_from_path();
	int error = errno;
	fprintf(stderr, "binfmt: cannot run %s: %s\n", command[0], strerror(error));
	exit(error == ENOENT ? 127 : 126);
}
