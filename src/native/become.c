/*
 * `binfmt run COMMAND`: when Node.js has ended, the launcher becomes COMMAND. It is the very process that the
 * caller started, with the standard streams, environment, working directory and terminal of the caller. So no
 * process is left in between that would have to hand on exit status, signals or the size of the window.
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
static char *root, *words, **command;

/*
 * The caller's standard input and output: file descriptors in decimal. The input is "-1" if no command will come, and both
 * are if no status is expected either.
 */
void keep_streams(const char *in, const char *out) {
	input = (int)strtol(in, NULL, 10);
	output = (int)strtol(out, NULL, 10);
	if (input < 0) expect_status(output);
	fcntl(input, F_SETFD, FD_CLOEXEC);
	fcntl(output, F_SETFD, FD_CLOEXEC);
}

/* A null byte ends each of the words. Returns false if there are no words, or no streams for the command. */
bool set_command(const char *dir, const char *bytes, size_t length) {
	size_t count = 0;

	if (input < 0 || length == 0 || bytes[length - 1]) return false;
	for (size_t i = 0; i < length; i++) count += !bytes[i];
	free(root), free(words), free(command);
	root = strcmp(dir, "-") ? strdup(dir) : NULL;
	words = malloc(length);
	command = calloc(count + 1, sizeof *command);
	if (!command || !words) abort();
	memcpy(words, bytes, length);
	char *word = words;
	for (size_t i = 0; i < count; i++, word += strlen(word) + 1) command[i] = word;
	return true;
}

/*
 * Executes the first file of that name in PATH, as a shell does. execvp(3) cannot be used, because it gives a file
 * that the kernel refuses (ENOEXEC) to /bin/sh.
 */
static void exec_from_path(void) {
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : "/usr/bin:/bin"), *rest = copy, *file;
	int error = ENOENT;

	for (char *dir; rest && (dir = strsep(&rest, ":")); free(file)) {
		struct stat found;
		if (asprintf(&file, "%s/%s", *dir ? dir : ".", command[0]) < 0) abort();
		if (stat(file, &found) < 0 || S_ISDIR(found.st_mode)) continue;
		execv(file, command);
		error = errno;
		if (error != EACCES) break;
	}
	free(copy);
	errno = error;
}

/* What a user typed, for a terminal: cut, and with `?` in the place of control characters. */
static const char *printable(const char *text) {
	static char shown[80];

	snprintf(shown, sizeof shown, "%.76s%s", text, strlen(text) > 76 ? "..." : "");
	for (char *c = shown; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
	return shown;
}

/* Returns only if there is no command. On failure it exits with the status that a shell would exit with. */
void exec_command_if_set(void) {
	if (!command) return;
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	restore_signals();
	if (root && (chroot(root) < 0 || chdir("/") < 0)) {
		fprintf(stderr, "binfmt: cannot use %s as root directory: %s\n", printable(root), strerror(errno));
		_exit(126);
	}
	if (strchr(command[0], '/')) execv(command[0], command);
	else exec_from_path();
	int error = errno;
	fprintf(stderr, "binfmt: cannot run %s: %s\n", printable(command[0]), strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}
