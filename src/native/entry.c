/*
 * The program that people start: /usr/lib/binfmt/binfmt of the image, dist/binfmt of a checkout. It
 * starts Node.js as its child and becomes the launcher, which ends as Node.js does. So the launcher is
 * ready before Node.js is, Node.js need not load what starts processes, and process 1 of a container is
 * one that takes its children's ends. Node.js finds the launcher's pipes in BINFMT_LAUNCHER
 * ("READ,WRITE", file descriptors).
 *
 * Where a loader lies beside it, Node.js is started through that loader, with the libraries beside it:
 * in the image none of them lie where a foreign program would find them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char directory[PATH_MAX];

/* A file in the directory of this program. */
static char *beside(const char *name) {
	char *path;
	if (asprintf(&path, "%s/%s", directory, name) < 0) exit(1);
	return path;
}

/* The status is valid JSON also where nothing can be known. */
static void fail(const char *what) {
	int error = errno;
	puts("{\n  \"supported\": [],\n  \"emulators\": []\n}");
	fflush(stdout);
	errno = error;
	fprintf(stderr, "binfmt: cannot start ");
	perror(what);
	exit(1);
}

static void become_node(int argc, char **argv, int from, int to, pid_t launcher) {
	char *loader = beside("ld.so"), *node = beside("node"), ends[32];
	char **command = calloc((size_t)argc + 9, sizeof *command);
	int n = 0;

	if (!command) fail(node);
	if (access(loader, X_OK) == 0) {
		command[n++] = loader;
		command[n++] = "--library-path";
		command[n++] = directory;
		command[n++] = node;
		/* Nothing here runs long enough to be worth compiling: 12 MiB less. */
		command[n++] = "--jitless";
		/* Before Node.js 24 that warns, unless the other is given too, which 24 refuses (image/runtime.ts). */
		if (access(beside("no-expose-wasm"), F_OK) == 0) command[n++] = "--no-expose-wasm";
	} else {
		command[n++] = "node";
	}
	/* A watcher is to be small: little garbage before it is collected. */
	command[n++] = "--max-semi-space-size=1";
	command[n++] = "--max-old-space-size=32";
	command[n++] = beside("binfmt.cjs");
	for (int i = 1; i < argc; i++) command[n++] = argv[i];
	snprintf(ends, sizeof ends, "%d,%d", from, to);
	setenv("BINFMT_LAUNCHER", ends, 1);
	setenv("MALLOC_ARENA_MAX", "1", 1);
	/* Without the launcher it can do nothing. */
	fcntl(from, F_SETFD, 0);
	fcntl(to, F_SETFD, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != launcher) exit(1);
	execvp(command[0], command);
	fail(command[0]);
}

/* `run`: the launcher becomes the command in the end, with all that the caller gave it. */
static void become_launcher(pid_t node, int requests, int answers, bool run) {
	char *file = beside("launcher"), pid[16], input[16], output[16];

	snprintf(pid, sizeof pid, "%d", node);
	snprintf(input, sizeof input, "%d", run ? dup(0) : -1);
	snprintf(output, sizeof output, "%d", run ? dup(1) : -1);
	dup2(requests, 0);
	dup2(answers, 1);
	if (!run) close_range(3, ~0U, 0); /* what the caller left open; Linux 5.9 and later */
	execv(file, (char *[]){file, pid, input, output, NULL});
	fail(file);
}

int main(int argc, char **argv) {
	int requests[2], answers[2];

	if (!realpath("/proc/self/exe", directory)) fail("/proc/self/exe");
	dirname(directory);
	/* Where a standard stream is closed, a pipe must not take its place, and writing to it must fail. */
	for (int fd = 0; fd >= 0 && fd < 3;) fd = open("/dev/null", O_RDONLY);
	if (pipe2(requests, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0) fail("pipe");
	pid_t launcher = getpid(), node = fork();
	if (node < 0) fail("fork");
	if (node == 0) {
		become_node(argc, argv, answers[0], requests[1], launcher);
	}
	become_launcher(node, requests[0], answers[1], argc > 1 && !strcmp(argv[1], "run"));
}
