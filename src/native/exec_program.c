/*
 * The child's half of a run: from fork(2) to execve(2). Nothing of the launcher is left to the program but an empty
 * standard input and a file for its output.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_LIMIT = 65536 }; /* bytes */

static void report_failure(struct child_report *report, const char *call) {
	report->error = errno;
	strcpy(report->failed_call, call);
}

/*
 * chroot(2) needs CAP_SYS_CHROOT, which a new user namespace gives. The binfmt_misc entries that hold in there are
 * those of the namespace that the launcher is in.
 */
static int enter_root(const char *root) {
	if (chroot(root) == 0) return 0;
	if (errno != EPERM || unshare(CLONE_NEWUSER) < 0) return -1;
	return chroot(root);
}

void prepare_child(const struct program *program, struct child_report *report, pid_t launcher) {
	sigset_t none;
	struct rlimit no_core = {0, 0}, output = {OUTPUT_LIMIT, OUTPUT_LIMIT};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* If the launcher has died before this, process 1 is the parent now, and a tracing process 1 never resumes us. */
	if (getppid() != launcher) _exit(127);
	setpgid(0, 0);
	dup2(program->input, 0);
	dup2(program->output, 1);
	dup2(program->output, 2);
	/* QEMU writes a core file by itself, several MB, into the current directory. */
	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_FSIZE, &output);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if ((program->root && enter_root(program->root) < 0) || chdir("/") < 0) {
		report_failure(report, "chroot");
		_exit(127);
	}
	/* If tracing is forbidden, the program runs untraced, and the launcher does not learn what ran it. */
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

void exec_program(const struct program *program, struct child_report *report) {
	struct stat file;

	if (stat(program->file, &file) == 0) report->device = file.st_dev, report->inode = file.st_ino;
	execve(program->file, (char *[]){program->file, NULL}, program->environment);
	report_failure(report, "exec");
}
