/*
 * What the launcher says if Node.js has ended before it could say anything itself: files, memory or processes were short, or
 * it was killed.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include "status.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* With fewer open files Node.js 24 does not start. */
enum { FILES_NEEDED = 32 };

bool answered;
static int output = -1;

void expect_status(int fd) {
	output = fd;
}

static void print_status(void) {
	if (!answered && output >= 0) dprintf(output, EMPTY_STATUS);
}

void fail_at(const char *call) {
	int error = errno;
	print_status();
	fprintf(stderr, "binfmt: cannot start %s: %s\n", call, strerror(error));
	_exit(1);
}

/* As far as it can be known afterwards. */
static void print_reason(int signal) {
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_NEEDED)
		fprintf(stderr, "it may open %ld files only (ulimit -n), and needs %d\n", (long)files.rlim_cur, FILES_NEEDED);
	else if (gave_up_on_node())
		fputs("it had not started after a minute; the number of processes and threads that it may start is probably too small\n", stderr);
	else if (signal == SIGILL)
		fputs("this processor is probably older than those that it was built for\n", stderr);
	else if (signal == SIGKILL)
		fputs("it was killed, perhaps by the kernel because memory was short\n", stderr);
	else
		fputs("memory, or the number of processes that it may start, was probably short\n", stderr);
}

int answer_for_node(int status) {
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	print_status();
	fprintf(stderr, "binfmt: Node.js ended before its work was done (");
	if (signal) fprintf(stderr, "SIG%s): ", sigabbrev_np(signal));
	else fprintf(stderr, "exit status %d): ", WEXITSTATUS(status));
	print_reason(signal);
	return 1;
}
