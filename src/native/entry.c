/*
 * The program that people start: /usr/lib/binfmt/binfmt of the image, dist/binfmt of a checkout. It
 * starts the launcher and then becomes Node.js, which finds the launcher's pipes in BINFMT_LAUNCHER
 * ("READ,WRITE", file descriptors). So the launcher is ready before Node.js is, and Node.js need not load
 * what starts processes.
 *
 * Where a loader lies beside it, Node.js is started through that loader, with the libraries beside it:
 * in the image none of them lie where a foreign program would find them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[PATH_MAX];

/* A file in the directory of this program. */
static char *beside(const char *name) {
	char *path;
	if (asprintf(&path, "%s/%s", directory, name) < 0) exit(1);
	return path;
}

static void fail(const char *what) {
	fprintf(stderr, "binfmt: cannot start ");
	perror(what);
	exit(1);
}

/* Sets BINFMT_LAUNCHER for Node.js; its ends of the pipes are not to be inherited any further. */
static void start_launcher(void) {
	int requests[2], answers[2];
	char *file = beside("launcher"), ends[32];

	if (pipe(requests) < 0 || pipe(answers) < 0) fail(file);
	pid_t pid = fork();
	if (pid < 0) fail(file);
	if (pid == 0) {
		dup2(requests[0], 0);
		dup2(answers[1], 1);
		close_range(3, ~0U, 0);
		execve(file, (char *[]){file, NULL}, (char *[]){NULL});
		fail(file);
	}
	close(requests[0]);
	close(answers[1]);
	snprintf(ends, sizeof ends, "%d,%d", answers[0], requests[1]);
	setenv("BINFMT_LAUNCHER", ends, 1);
}

int main(int argc, char **argv) {
	char *self = realpath("/proc/self/exe", directory);
	if (!self) fail("/proc/self/exe");
	dirname(directory);
	start_launcher();

	char *loader = beside("ld.so"), *node = beside("node"), **command = calloc((size_t)argc + 5, sizeof *command);
	int n = 0;
	if (!command) fail(node);
	if (access(loader, X_OK) == 0) {
		command[n++] = loader;
		command[n++] = "--library-path";
		command[n++] = directory;
		command[n++] = node;
	} else {
		command[n++] = "node";
	}
	command[n++] = beside("binfmt.cjs");
	for (int i = 1; i < argc; i++) command[n++] = argv[i];
	execvp(command[0], command);
	fail(command[0]);
}
