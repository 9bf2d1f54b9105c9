/*
 * The launcher's master: the child that it serves. Signals that reach the launcher are passed on to it, the
 * ends of all other children are taken, as process 1 of a container has to, and the launcher ends as it does.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

int signals;
static sigset_t handled, before;
static pid_t master;
static int master_status = -1;
static void (*old_pipe)(int), (*old_size)(int);

/* `pid`: of the master, in decimal; NULL where there is none. */
void serve(const char *pid) {
	static const int taken[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	if (pid) {
		master = (pid_t)strtol(pid, NULL, 10);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	}
	sigemptyset(&handled);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) sigaddset(&handled, taken[i]);
	sigprocmask(SIG_BLOCK, &handled, &before);
	signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	old_pipe = signal(SIGPIPE, SIG_IGN); /* a master that has ended reads no answer */
	old_size = signal(SIGXFSZ, SIG_IGN);
}

void leave_signals(void) {
	signal(SIGPIPE, old_pipe);
	signal(SIGXFSZ, old_size);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

bool has_master(void) {
	return master > 0;
}

bool master_ended(void) {
	return master_status >= 0;
}

void note_end(pid_t pid, int status) {
	if (pid > 0 && pid == master) master_status = status;
}

/* A signal that was sent to the launcher is meant for its master; a terminal's reaches both by itself. */
void pass_signals_on(void) {
	struct signalfd_siginfo info;
	while (read(signals, &info, sizeof info) == sizeof info)
		if (master > 0 && info.ssi_signo != SIGCHLD && info.ssi_code <= 0) kill(master, (int)info.ssi_signo);
}

/* The exit status of a child, -1 if it had none; the ends of others are taken on the way. */
int wait_for(pid_t child) {
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) != child; note_end(pid, status))
		if (pid < 0 && errno != EINTR) return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Takes one child's end, if there is one. */
static bool take_child(int flags) {
	int status;
	pid_t pid = waitpid(-1, &status, __WALL | flags);
	note_end(pid, status);
	return pid > 0;
}

void take_signals(void) {
	pass_signals_on();
	while (take_child(WNOHANG)) {}
}

/* Ends as the master does: with its exit status, or by the same signal. */
int end_as_master(void) {
	struct pollfd polled = {.fd = signals, .events = POLLIN};

	if (master <= 0) return 0;
	close(STDOUT_FILENO); /* the master may still wait for an answer */
	for (take_signals(); master_status < 0; take_signals()) poll(&polled, 1, -1);
	become_if_told();
	if (WIFEXITED(master_status)) return WEXITSTATUS(master_status);
	int signal = WTERMSIG(master_status);
	undo_mount();
	/* Process 1 does not die of a signal that it sends itself; under QEMU it would wait for that for ever. */
	if (getpid() == 1) return 128 + signal;
	sigprocmask(SIG_UNBLOCK, &handled, NULL);
	kill(getpid(), signal);
	return 128 + signal;
}
