/*
 * Runs programs, all at the same time, each in an empty root directory if that is asked for, and reports
 * how each ended: exit status, signal, time limit, or the true errno of its execve.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_LIMIT = 65536, OUTPUT_SHOWN = 512, BEGINNING = 4096 };

/* Why a child never became the program; written by the child into shared memory. */
struct refusal {
	char stage[8];
	int number;
};

struct run {
	char *line; /* owns the strings below */
	char *root, *file, *environment[MAX_FIELDS];
	pid_t pid;
	int output;
	bool look, ended, traced, late;
	int status;
	struct { char *bytes; ssize_t length; long long size; } seen;
	struct timespec start, end;
	char exe[PATH_MAX];
};

static struct run *runs;
static size_t count;

static void print_hex(const char *bytes, size_t length) {
	for (size_t i = 0; i < length; i++) printf("%02x", (unsigned char)bytes[i]);
}

static long long microseconds(struct timespec from, struct timespec to) {
	return (to.tv_sec - from.tv_sec) * 1000000LL + (to.tv_nsec - from.tv_nsec) / 1000;
}

void queue_run(char **fields, int n, char *line) {
	runs = realloc(runs, (count + 1) * sizeof *runs);
	if (!runs) abort();
	struct run *run = &runs[count++];
	memset(run, 0, sizeof *run);
	run->line = line;
	run->look = !strcmp(fields[0], "look");
	run->root = strcmp(fields[1], "-") ? fields[1] : NULL;
	run->file = fields[2];
	for (int i = 3; i < n; i++) run->environment[i - 3] = fields[i];
}

static void refuse(struct refusal *refusal, const char *stage) {
	refusal->number = errno;
	strcpy(refusal->stage, stage);
	_exit(127);
}

/* chroot takes CAP_SYS_CHROOT, which a user namespace of one's own gives; its list of entries is inherited. */
static int enter(const char *root) {
	if (chroot(root) == 0) return 0;
	if (errno != EPERM || unshare(CLONE_NEWUSER) < 0) return -1;
	return chroot(root);
}

/* Runs in the child: nothing of the launcher's is left but the program's own output. */
static void become(struct run *run, struct refusal *refusal, int input, pid_t launcher) {
	sigset_t none;
	struct rlimit no_core = {0, 0}, output = {OUTPUT_LIMIT, OUTPUT_LIMIT};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before: to be traced by process 1 is to stop for ever. */
	if (getppid() != launcher) _exit(127);
	setpgid(0, 0);
	dup2(input, 0);
	dup2(run->output, 1);
	dup2(run->output, 2);
	/* QEMU writes a core of its own, several MB, into the current directory. */
	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_FSIZE, &output);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (run->root && enter(run->root) < 0) refuse(refusal, "chroot");
	if (chdir("/") < 0) refuse(refusal, "chroot");
	/* Where tracing is forbidden the program runs untraced, and EXE stays empty. */
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execve(run->file, (char *[]){run->file, NULL}, run->environment);
	refuse(refusal, "exec");
}

/* /proc/PID/exe opens the very file, also one that no path leads to any more. */
static void read_beginning(struct run *run, const char *link) {
	struct stat file;
	int fd = open(link, O_RDONLY | O_CLOEXEC);

	if (fd < 0) return;
	run->seen.bytes = malloc(BEGINNING);
	if (!run->seen.bytes || fstat(fd, &file) < 0) abort();
	run->seen.length = pread(fd, run->seen.bytes, BEGINNING, 0);
	run->seen.size = file.st_size;
	close(fd);
}

/* The first stop of a traced child is the SIGTRAP that its exec raises. */
static void look_and_release(struct run *run, int status) {
	char link[64];
	int signal = WSTOPSIG(status);
	if (!run->traced && signal == SIGTRAP) {
		run->traced = true;
		signal = 0;
		snprintf(link, sizeof link, "/proc/%d/exe", run->pid);
		ssize_t length = readlink(link, run->exe, sizeof run->exe - 1);
		run->exe[length > 0 ? length : 0] = 0;
		if (run->look) {
			read_beginning(run, link);
			kill(run->pid, SIGKILL);
			return;
		}
	}
	ptrace(PTRACE_DETACH, run->pid, NULL, (void *)(long)signal);
}

static void reap(pid_t pid, int status, size_t *left) {
	note_end(pid, status);
	for (size_t i = 0; i < count; i++) {
		if (runs[i].pid != pid || runs[i].ended) continue;
		if (WIFSTOPPED(status)) { look_and_release(&runs[i], status); return; }
		kill(-pid, SIGKILL); /* what it has left running */
		runs[i].ended = true;
		runs[i].status = status;
		clock_gettime(CLOCK_MONOTONIC, &runs[i].end);
		--*left;
		return;
	}
}

static void kill_late(void) {
	for (size_t i = 0; i < count; i++) {
		if (runs[i].ended) continue;
		runs[i].late = true;
		kill(-runs[i].pid, SIGKILL);
		kill(runs[i].pid, SIGKILL);
	}
}

/* Ends before its time where the master has ended, or will send no more. */
static void wait_for_all(long long limit) {
	size_t left = 0;
	bool killed = false;
	struct timespec begin, now;
	struct pollfd polled[] = {{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = 0}};

	for (size_t i = 0; i < count; i++) left += !runs[i].ended;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (left > 0) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
		if (pid > 0) { reap(pid, status, &left); continue; }
		clock_gettime(CLOCK_MONOTONIC, &now);
		long long rest = limit - microseconds(begin, now);
		if (!killed && (rest <= 0 || master_ended() || (polled[1].revents & POLLHUP && has_master()))) {
			killed = true;
			kill_late();
		}
		/* What was killed and still does not end, it waits for. */
		poll(polled, killed ? 1 : 2, killed ? -1 : (int)(rest / 1000 + 1));
		pass_signals_on();
	}
}

static void report(struct run *run, struct refusal *refusal) {
	char output[OUTPUT_SHOWN], *bytes = output;
	ssize_t length = run->output < 0 ? 0 : pread(run->output, output, sizeof output, 0);
	const char *kind = "exit";
	long long number = WEXITSTATUS(run->status);

	if (refusal->stage[0]) { kind = refusal->stage; number = refusal->number; }
	else if (run->seen.bytes) { kind = "looked"; number = run->seen.size; bytes = run->seen.bytes; length = run->seen.length; }
	else if (run->late) { kind = "timeout"; number = 0; }
	else if (WIFSIGNALED(run->status)) { kind = "signal"; number = WTERMSIG(run->status); }
	printf("%s\t%lld\t%lld\t", kind, number, microseconds(run->start, run->end));
	print_hex(run->exe, strlen(run->exe));
	putchar('\t');
	print_hex(bytes, length > 0 ? (size_t)length : 0);
	putchar('\n');
	free(run->seen.bytes);
}

void go(long milliseconds) {
	size_t size = (count + 1) * sizeof(struct refusal);
	struct refusal *refusals = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (refusals == MAP_FAILED) abort();
	/* An empty file: reading it gives the end of file, also where there is no /dev/null. */
	int input = memfd_create("input", MFD_CLOEXEC);
	pid_t launcher = getpid();

	for (size_t i = 0; i < count; i++) {
		struct run *run = &runs[i];
		run->output = memfd_create("output", MFD_CLOEXEC);
		clock_gettime(CLOCK_MONOTONIC, &run->start);
		run->end = run->start;
		run->pid = run->output < 0 || input < 0 ? -1 : fork();
		if (run->pid == 0) become(run, &refusals[i], input, launcher);
		if (run->pid < 0) {
			run->ended = true;
			refusals[i] = (struct refusal){"exec", errno};
		}
	}
	wait_for_all(milliseconds * 1000LL);
	for (size_t i = 0; i < count; i++) {
		report(&runs[i], &refusals[i]);
		close(runs[i].output);
		free(runs[i].line);
	}
	close(input);
	munmap(refusals, size);
	count = 0;
}

