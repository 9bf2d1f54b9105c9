/*
 * The system calls that Node.js has no name for: mount(2), umount(2), and execve(2)
 * with its true errno (Node's spawn goes through execvp, which hands a file that the
 * kernel refuses to a shell). It does what it is told and reports facts; what they mean
 * is decided in TypeScript.
 *
 * Requests come on standard input, one a line, fields separated by tabs:
 *
 *   mount TYPE DIR               ok | errno N
 *   umount DIR                   ok | errno N
 *   write FILE HEX               ok | errno N       makes an executable; where FILE is "-", it is held
 *                                fd N               in memory instead, as /proc/self/fd/N
 *   run ROOT FILE [NAME=VALUE]   (no answer)        queues FILE; ROOT "-" means no chroot
 *   go MS                        a line for each queued run, in order, after all have ended:
 *
 *     exit|signal|timeout|chroot|exec  NUMBER  MICROSECONDS  EXE  OUTPUT
 *
 * NUMBER is the exit status, the signal, 0, or the errno of the call that failed. EXE is
 * what /proc/PID/exe named just after execve: the file itself when the processor runs it,
 * the interpreter when an entry of binfmt_misc matched. EXE and OUTPUT (the first bytes of
 * standard output and error) are in hexadecimal. The end of standard input ends the launcher.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FIELDS = 16, OUTPUT_LIMIT = 65536, OUTPUT_SHOWN = 512 };

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
	bool ended, traced, late;
	int status;
	struct timespec start, end;
	char exe[PATH_MAX];
};

static struct run *runs;
static size_t count;

static void answer_errno(int result) {
	if (result < 0) printf("errno\t%d\n", errno);
	else puts("ok");
}

static void print_hex(const char *bytes, size_t length) {
	for (size_t i = 0; i < length; i++) printf("%02x", (unsigned char)bytes[i]);
}

static long long microseconds(struct timespec from, struct timespec to) {
	return (to.tv_sec - from.tv_sec) * 1000000LL + (to.tv_nsec - from.tv_nsec) / 1000;
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
	int fd = memory ? memfd_create("program", 0) : open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	size_t length = from_hex(hex);
	bool failed = fd < 0 || fchmod(fd, 0755) < 0 || write(fd, hex, length) != (ssize_t)length;

	if (memory && !failed) { printf("fd\t%d\n", fd); return; }
	answer_errno(failed ? -1 : 0);
	if (fd >= 0) close(fd);
}

static void queue(char **fields, int n, char *line) {
	runs = realloc(runs, (count + 1) * sizeof *runs);
	if (!runs) abort();
	struct run *run = &runs[count++];
	memset(run, 0, sizeof *run);
	run->line = line;
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
static void become(struct run *run, struct refusal *refusal, int input) {
	sigset_t none;
	struct rlimit no_core = {0, 0}, output = {OUTPUT_LIMIT, OUTPUT_LIMIT};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	dup2(input, 0);
	dup2(run->output, 1);
	dup2(run->output, 2);
	/* QEMU writes a core of its own, several MB, into the current directory. */
	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_FSIZE, &output);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (run->root && enter(run->root) < 0) refuse(refusal, "chroot");
	if (chdir("/") < 0) refuse(refusal, "chroot");
	/* Where tracing is forbidden the program runs untraced, and EXE stays empty. */
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execve(run->file, (char *[]){run->file, NULL}, run->environment);
	refuse(refusal, "exec");
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
	}
	ptrace(PTRACE_DETACH, run->pid, NULL, (void *)(long)signal);
}

static void reap(pid_t pid, int status, size_t *left) {
	for (size_t i = 0; i < count; i++) {
		if (runs[i].pid != pid || runs[i].ended) continue;
		if (WIFSTOPPED(status)) { look_and_release(&runs[i], status); return; }
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

static void wait_for_all(long long limit) {
	size_t left = 0;
	bool killed = false;
	sigset_t child;
	struct timespec begin, now;

	for (size_t i = 0; i < count; i++) left += !runs[i].ended;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (left) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | (killed ? 0 : WNOHANG));
		if (pid > 0) { reap(pid, status, &left); continue; }
		clock_gettime(CLOCK_MONOTONIC, &now);
		long long rest = limit - microseconds(begin, now);
		if (rest <= 0) {
			killed = true;
			kill_late();
			continue;
		}
		struct timespec timeout = {rest / 1000000, rest % 1000000 * 1000};
		sigtimedwait(&child, NULL, &timeout);
	}
}

static void report(struct run *run, struct refusal *refusal) {
	char output[OUTPUT_SHOWN];
	ssize_t length = run->output < 0 ? 0 : pread(run->output, output, sizeof output, 0);
	const char *kind = "exit";
	int number = WEXITSTATUS(run->status);

	if (refusal->stage[0]) { kind = refusal->stage; number = refusal->number; }
	else if (run->late) { kind = "timeout"; number = 0; }
	else if (WIFSIGNALED(run->status)) { kind = "signal"; number = WTERMSIG(run->status); }
	printf("%s\t%d\t%lld\t", kind, number, microseconds(run->start, run->end));
	print_hex(run->exe, strlen(run->exe));
	putchar('\t');
	print_hex(output, length > 0 ? (size_t)length : 0);
	putchar('\n');
}

static void go(long milliseconds) {
	size_t size = (count + 1) * sizeof(struct refusal);
	struct refusal *refusals = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (refusals == MAP_FAILED) abort();
	/* An empty file: reading it gives the end of file, also where there is no /dev/null. */
	int input = memfd_create("input", MFD_CLOEXEC);

	for (size_t i = 0; i < count; i++) {
		struct run *run = &runs[i];
		run->output = memfd_create("output", MFD_CLOEXEC);
		clock_gettime(CLOCK_MONOTONIC, &run->start);
		run->end = run->start;
		run->pid = fork();
		if (run->pid == 0) become(run, &refusals[i], input);
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

int main(void) {
	char *line = NULL;
	size_t size = 0;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	while (getline(&line, &size, stdin) > 0) {
		char *fields[MAX_FIELDS], *rest = line;
		int n = 0;
		line[strcspn(line, "\n")] = 0;
		while (n < MAX_FIELDS - 1 && rest) fields[n++] = strsep(&rest, "\t");
		fields[n] = NULL;

		if (!strcmp(fields[0], "mount") && n == 3)
			answer_errno(mount(fields[1], fields[2], fields[1], MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
		else if (!strcmp(fields[0], "umount") && n == 2)
			answer_errno(umount2(fields[1], UMOUNT_NOFOLLOW));
		else if (!strcmp(fields[0], "write") && n == 3)
			write_executable(fields[1], fields[2]);
		else if (!strcmp(fields[0], "run") && n >= 3) {
			queue(fields, n, line);
			line = NULL; /* the queue owns it now */
			size = 0;
		} else if (!strcmp(fields[0], "go") && n == 2)
			go(strtol(fields[1], NULL, 10));
		else
			puts("bad request");
		fflush(stdout);
	}
	return 0;
}
