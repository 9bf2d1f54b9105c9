/*
 * Runs programs, all at the same time, each in an empty root directory if that is asked for. Reports how each ended:
 * by exit status, by signal, at the time limit, or not started at all, with the true errno of its execve(2).
 */
#define _GNU_SOURCE
#include "run.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct run *runs;
static size_t count;

void queue_run(char **fields, int n, char *line) {
	runs = realloc(runs, (count + 1) * sizeof *runs);
	if (!runs) abort();
	struct run *run = &runs[count++];
	memset(run, 0, sizeof *run);
	run->line = line;
	run->ran_by = "unknown";
	run->inspect = !strcmp(fields[0], "inspect");
	run->program.root = strcmp(fields[1], "-") ? fields[1] : NULL;
	run->program.file = fields[2];
	run->program.output = -1;
	for (int i = 3; i < n; i++) run->program.environment[i - 3] = fields[i];
}

/* `link` is /proc/PID/exe. It leads to the started file itself, even if no path leads to that file any more. */
static void note_exe(struct run *run, const struct child_report *child, const char *link) {
	char exe[PATH_MAX];
	struct stat file;
	ssize_t length = readlink(link, exe, sizeof exe - 1);

	if (length <= 0 || !(run->exe = strndup(exe, (size_t)length)) || stat(link, &file) < 0) return;
	run->device = file.st_dev;
	run->inode = file.st_ino;
	read_label(link, run->label, sizeof run->label);
	bool itself = file.st_dev == child->device && file.st_ino == child->inode;
	run->ran_by = itself ? "processor" : "interpreter";
}

static void read_beginning(struct run *run, const char *link) {
	struct stat file;
	int fd = open(link, O_RDONLY | O_CLOEXEC);

	if (fd < 0) return;
	if (fstat(fd, &file) < 0) abort();
	run->interpreter.size = file.st_size;
	if (!(run->interpreter.beginning = malloc(BEGINNING))) abort();
	run->interpreter.length = pread(fd, run->interpreter.beginning, BEGINNING, 0);
	close(fd);
}

/* The first stop of a traced child is the SIGTRAP of its execve. The program has not run an instruction yet. */
static void handle_stop(struct run *run, const struct child_report *child, int status) {
	char link[64];
	int signal = WSTOPSIG(status);
	if (!run->traced && signal == SIGTRAP) {
		run->traced = true;
		signal = 0;
		snprintf(link, sizeof link, "/proc/%d/exe", run->pid);
		note_exe(run, child, link);
		read_beginning(run, link);
		if (run->inspect) {
			kill(run->pid, SIGKILL);
			return;
		}
	}
	ptrace(PTRACE_DETACH, run->pid, NULL, (void *)(long)signal);
}

static void handle_change(pid_t pid, int status, const struct child_report *children, size_t *left) {
	record_exit(pid, status);
	for (size_t i = 0; i < count; i++) {
		if (runs[i].pid != pid || runs[i].ended) continue;
		if (WIFSTOPPED(status)) { handle_stop(&runs[i], &children[i], status); return; }
		kill(-pid, SIGKILL); /* the processes that the program has left behind */
		runs[i].ended = true;
		runs[i].status = status;
		clock_gettime(CLOCK_MONOTONIC, &runs[i].end);
		--*left;
		return;
	}
}

static void kill_late(long long limit) {
	for (size_t i = 0; i < count; i++) {
		if (runs[i].ended) continue;
		runs[i].late = true;
		runs[i].starved = is_starved(runs[i].pid, limit);
		kill(-runs[i].pid, SIGKILL);
		kill(runs[i].pid, SIGKILL);
	}
}

/* `limit` in microseconds. The runs are also ended if Node.js has ended, or has closed the pipe for requests. */
static void wait_for_all(const struct child_report *children, long long limit) {
	size_t left = 0;
	bool killed = false;
	struct timespec begin, now;
	struct pollfd polled[] = {{.fd = signal_fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = 0}};

	for (size_t i = 0; i < count; i++) left += !runs[i].ended;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (left > 0) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
		if (pid > 0) { handle_change(pid, status, children, &left); continue; }
		clock_gettime(CLOCK_MONOTONIC, &now);
		long long rest = limit - microseconds(begin, now);
		if (!killed && (rest <= 0 || node_exited() || (polled[1].revents & POLLHUP && has_node()))) {
			killed = true;
			kill_late(limit);
		}
		/* A killed process may take long to end. The launcher waits for it, however long that is. */
		poll(polled, killed ? 1 : 2, killed ? -1 : (int)(rest / 1000 + 1));
		forward_signals();
	}
}

/* Is it the file that one of the runs has started? */
static bool is_started(const struct stat *file) {
	for (size_t i = 0; i < count; i++)
		if (runs[i].exe && runs[i].device == file->st_dev && runs[i].inode == file->st_ino) return true;
	return false;
}

/* An empty file in memory. A seccomp profile may forbid that; then it is a file without a name in /tmp. */
static int empty_file(const char *name) {
	int fd = memfd_create(name, MFD_CLOEXEC);
	if (fd >= 0 || (errno != EPERM && errno != ENOSYS)) return fd;
	return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static bool claim(struct child_report *child) {
	return !atomic_exchange(&child->claimed, true);
}

static bool have_same_root(const struct run *one, const struct run *other) {
	const char *root = one->program.root, *others = other->program.root;
	return root && others ? !strcmp(root, others) : root == others;
}

/* `input`: closed by execve(2), or by the end of this process. */
static _Noreturn void try_in_turn(size_t first, struct child_report *children, pid_t launcher) {
	prepare_child(&runs[first].program, &children[first], launcher);
	for (size_t i = first; i == first || (i < count && have_same_root(&runs[first], &runs[i]) && claim(&children[i])); i++)
		exec_program(&runs[i].program, &children[i]);
	_exit(127);
}

/*
 * Starts the run `first`, or if the kernel refuses it, one of those that follow: a child tries them in turn. Most probes have no
 * entry, and a process for each, with a root directory of its own, would take longer than everything else. Returns the next
 * run, which is claimed for the next child.
 */
static size_t start(size_t first, struct child_report *children, int input, pid_t launcher) {
	/* If a file system does not answer, execve(2) waits for it, and the other runs must not. */
	enum { PATIENCE = 100 }; /* milliseconds */
	struct program *program = &runs[first].program;
	int output = empty_file("output");
	struct timespec begin;
	int until_exec[2];

	program->input = input;
	program->output = output;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	bool ready = input >= 0 && output >= 0 && pipe2(until_exec, O_CLOEXEC) == 0;
	pid_t pid = ready ? fork() : -1;
	if (pid == 0) try_in_turn(first, children, launcher);
	if (pid < 0) children[first] = (struct child_report){.failed_call = "exec", .error = errno};
	if (ready) {
		struct pollfd polled = {.fd = until_exec[0], .events = POLLIN};
		close(until_exec[1]);
		if (pid > 0) poll(&polled, 1, PATIENCE);
		close(until_exec[0]);
	}
	size_t next = first + 1;
	while (next < count && !claim(&children[next])) next++;
	for (size_t i = first; i < next; i++) runs[i].start = runs[i].end = begin, runs[i].ended = i < next - 1 || pid < 0;
	program->output = -1;
	runs[next - 1].program.output = output;
	runs[next - 1].pid = pid;
	return next;
}

void run_queued(long milliseconds) {
	size_t size = (count + 1) * sizeof(struct child_report);
	struct child_report *children = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (children == MAP_FAILED) abort();
	/* An empty file, because reading it gives the end of file even in a root directory without /dev/null. */
	int input = empty_file("input");
	pid_t launcher = getpid();
	struct timespec begin;

	clock_gettime(CLOCK_BOOTTIME, &begin);
	for (size_t next = 0; next < count;) next = start(next, children, input, launcher);
	wait_for_all(children, milliseconds * 1000LL);
	kill_strays(begin, is_started);
	for (size_t i = 0; i < count; i++) {
		report_run(&runs[i], &children[i]);
		close(runs[i].program.output);
		free(runs[i].interpreter.beginning);
		free(runs[i].exe);
		free(runs[i].line);
	}
	close(input);
	munmap(children, size);
	count = 0;
}
