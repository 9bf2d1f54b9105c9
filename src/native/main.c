/*
 * The program that people start: /usr/bin/binfmt in the image, dist/binfmt in a checkout. It starts Node.js
 * as its child and becomes the launcher itself, which ends in the same way as Node.js does. There are three
 * reasons for this order. The launcher is ready before Node.js is. Node.js need not load its module for child
 * processes. And in a container process 1 is the launcher, which waits for every child, as process 1 has to.
 * Node.js finds the pipes to the launcher in the variable BINFMT_LAUNCHER ("READ,WRITE", file descriptors), and knows
 * from BINFMT_PROBES that the launcher runs the probes already. BINFMT_PROGRAM is the path of this file.
 *
 * The other files lie beside binfmt, or in ../lib/binfmt, as in the image. If a dynamic loader is among them,
 * Node.js is started through that loader, with the libraries that lie there too. In the image, no library lies on a
 * path where a program of another architecture could find it.
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
#include "status.h"

/* This file, and the directory of the others. */
static char program[PATH_MAX], directory[PATH_MAX];

/* Returns the path of a file in that directory. */
static char *beside(const char *name) {
	char *path;
	if (asprintf(&path, "%s/%s", directory, name) < 0) exit(1);
	return path;
}

/* Will this call print a status? */
static bool prints_status;

/* Clients parse standard output, so it is a valid (empty) status even if Node.js could not be started. */
static void print_empty_status(void) {
	if (prints_status) fputs(EMPTY_STATUS, stdout);
	fflush(stdout);
}

static void fail(const char *what) {
	int error = errno;
	print_empty_status();
	errno = error;
	fprintf(stderr, "binfmt: cannot start ");
	perror(what);
	exit(1);
}

static bool is_complete(void) {
	return access(beside("launcher"), F_OK) == 0 && access(beside("binfmt.cjs"), F_OK) == 0;
}

/* Finds the other files. People who copy programs out of the image into another one often copy this file alone. */
static void find_files(void) {
	if (!realpath("/proc/self/exe", program) || !realpath(program, directory)) fail("/proc/self/exe");
	dirname(directory);
	if (is_complete() || (realpath(beside("../lib/binfmt"), directory) && is_complete())) return;
	if (realpath("/usr/lib/binfmt", directory) && is_complete()) return;
	if (errno != ENOENT && errno != ENOTDIR) fail("/usr/lib/binfmt");
	print_empty_status();
	fputs("binfmt: the directory /usr/lib/binfmt of the image is missing; in a Dockerfile: "
	      "COPY --from=IMAGE /usr/bin /usr/bin and COPY --from=IMAGE /usr/lib/binfmt /usr/lib/binfmt; "
	      "to have only the emulators: COPY --from=IMAGE /usr/bin/qemu-* /usr/bin/\n", stderr);
	exit(3);
}

/* Is this option on the command line, with one dash or two, and with or without "="? */
static bool has_option(int argc, char **argv, const char *name) {
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-') continue;
		const char *word = argv[i] + (argv[i][1] == '-' ? 2 : 1);
		size_t length = strlen(name);
		if (!strncmp(word, name, length) && (!word[length] || word[length] == '=')) return true;
	}
	return false;
}

/*
 * Will this call need the probes of all architectures, as the machine is now? Then they run while Node.js starts. A wrong
 * answer costs time and nothing else. Uninstalling comes before anything is probed, and --rootless means another namespace.
 */
static bool needs_probes(int argc, char **argv) {
	static const char *const without[] = {"uninstall", "help", "h", "version", "list-checks", "rootless"};
	bool command = argc > 1 && argv[1][0] != '-';

	for (size_t i = 0; i < sizeof without / sizeof *without; i++)
		if (has_option(argc, argv, without[i])) return false;
	/* If platforms are named, doctor needs the probes of these only. */
	for (int i = 2; command && i < argc; i++)
		if (!strcmp(argv[1], "doctor") && argv[i][0] != '-') return false;
	return !command || !strcmp(argv[1], "doctor") || !strcmp(argv[1], "export");
}

static void exec_node(int argc, char **argv, int from, int to, pid_t launcher, bool probing) {
	char *loader = beside("ld.so"), *node = beside("node"), pipes[32];
	char **command = calloc((size_t)argc + 10, sizeof *command);
	int n = 0;

	if (!command) fail(node);
	if (access(loader, X_OK) == 0) {
		command[n++] = loader;
		command[n++] = "--library-path";
		command[n++] = directory;
		command[n++] = node;
		/* binfmt ends too soon for compiled code to pay off, and without the compiler it needs 12 MiB less. */
		command[n++] = "--jitless";
		/* Node.js before 24 warns about --jitless unless this option is given too; 24 refuses it (image/runtime.ts). */
		if (access(beside("no-expose-wasm"), F_OK) == 0) command[n++] = "--no-expose-wasm";
	} else {
		command[n++] = "node";
	}
	/* Fewer threads start sooner, and need less where processes are limited. */
	command[n++] = "--v8-pool-size=1";
	if (has_option(argc, argv, "watch")) {
		/* With a small heap, garbage is collected early. A watcher runs for months and must stay small. */
		command[n++] = "--max-semi-space-size=1";
		command[n++] = "--max-old-space-size=32";
	}
	command[n++] = beside("binfmt.cjs");
	for (int i = 1; i < argc; i++) command[n++] = argv[i];
	snprintf(pipes, sizeof pipes, "%d,%d", from, to);
	/* A shell lets what runs in the background ignore SIGINT, and until Node.js handles it, it would be lost. */
	signal(SIGINT, SIG_DFL);
	setenv("BINFMT_PROGRAM", program, 1);
	setenv("BINFMT_LAUNCHER", pipes, 1);
	setenv("BINFMT_PROBES", probing ? "started" : "", 1);
	setenv("MALLOC_ARENA_MAX", "1", 1);
	fcntl(from, F_SETFD, 0);
	fcntl(to, F_SETFD, 0);
	/* Node.js can do nothing without the launcher, so it is told to end if the launcher is killed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != launcher) exit(1);
	execvp(command[0], command);
	int error = errno;
	dprintf(to, "answered\n");
	errno = error;
	fail(command[0]);
}

/*
 * `out`: standard output of the caller. For `run` the launcher will become a command, which is to have it; for a call that prints a
 * status, the launcher prints that if Node.js cannot. `first`: a file with the requests to answer first, if any.
 */
static void exec_launcher(pid_t node, int requests, int answers, int out, const char *command, char *first) {
	enum { OUTPUT = 3 };
	char *file = beside("launcher"), pid[16], input[16] = "-1", output[16] = "-1";
	bool run = command && !strcmp(command, "run");

	snprintf(pid, sizeof pid, "%d", node);
	if (run) snprintf(input, sizeof input, "%d", dup(0));
	dup2(requests, 0);
	dup2(answers, 1);
	/* The launcher must not keep other files of the caller open. close_range needs Linux 5.9; it may fail. */
	if (!run && out != OUTPUT) dup2(out, OUTPUT);
	if (!run) close_range(OUTPUT + prints_status, ~0U, 0), out = OUTPUT;
	fcntl(out, F_SETFD, 0);
	if (run || prints_status) snprintf(output, sizeof output, "%d", out);
	execv(file, (char *[]){file, pid, input, output, first, NULL});
	dup2(out, 1);
	fail(file);
}

int main(int argc, char **argv) {
	int requests[2], answers[2];

	prints_status = (argc < 2 || argv[1][0] == '-') && !has_option(argc, argv, "help") && !has_option(argc, argv, "h") &&
	                !has_option(argc, argv, "version");
	find_files();
	/* If a standard stream is closed, a pipe would take its number. /dev/null does instead; writing to it fails. */
	int null;
	while ((null = open("/dev/null", O_RDONLY)) >= 0 && null < 3) {}
	if (null >= 0) close(null);
	int out = fcntl(1, F_DUPFD_CLOEXEC, 3);
	if (out < 0 || pipe2(requests, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0) fail("pipe");
	char *first = beside("first-requests");
	if (!needs_probes(argc, argv) || access(first, R_OK) < 0) first = NULL;
	pid_t launcher = getpid(), node = fork();
	if (node < 0) fail("fork");
	if (node == 0) exec_node(argc, argv, answers[0], requests[1], launcher, first != NULL);
	exec_launcher(node, requests[0], answers[1], out, argc > 1 ? argv[1] : NULL, first);
}
