/*
 * The Node.js process that the launcher serves. The launcher stands between Node.js and whoever started the
 * program: it forwards the signals that it receives, and ends in the same way as Node.js does. It also waits for
 * every other child, because it may be process 1 of a container, which inherits all orphans.
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

int signal_fd;
static sigset_t handled, mask_before;
static pid_t node;
static int node_status = -1; /* as waitpid reports it; -1 while Node.js runs */
static void (*sigpipe_before)(int), (*sigxfsz_before)(int);

void adopt(const char *pid) {
	static const int received[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	if (pid) {
		node = (pid_t)strtol(pid, NULL, 10);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	}
	sigemptyset(&handled);
	for (size_t i = 0; i < sizeof received / sizeof *received; i++) sigaddset(&handled, received[i]);
	sigprocmask(SIG_BLOCK, &handled, &mask_before);
	signal_fd = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0) fail_at("signalfd");
	/* Node.js may end before it has read its answer. Writing that answer must not kill the launcher. */
	sigpipe_before = signal(SIGPIPE, SIG_IGN);
	sigxfsz_before = signal(SIGXFSZ, SIG_IGN);
}

void restore_signals(void) {
	signal(SIGPIPE, sigpipe_before);
	signal(SIGXFSZ, sigxfsz_before);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

bool has_node(void) {
	return node > 0;
}

static bool given_up;

void give_up_on_node(void) {
	given_up = true;
	kill(node, SIGKILL);
}

bool gave_up_on_node(void) {
	return given_up;
}

bool node_exited(void) {
	return node_status >= 0;
}

/* Everything that waits for children calls this, as any of them may be Node.js. */
void record_exit(pid_t pid, int status) {
	if (pid > 0 && pid == node) node_status = status;
}

/*
 * A signal that another process sent to the launcher is meant for Node.js. A signal from the terminal (code above 0)
 * is not forwarded, as the terminal sends it to both.
 */
void forward_signals(void) {
	struct signalfd_siginfo info;
	while (read(signal_fd, &info, sizeof info) == sizeof info)
		if (node > 0 && info.ssi_signo != SIGCHLD && info.ssi_code <= 0) kill(node, (int)info.ssi_signo);
}

/* Returns the exit status of a child, or -1 if a signal ended it. Other children that end meanwhile are recorded. */
int wait_for(pid_t child) {
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) != child; record_exit(pid, status))
		if (pid < 0 && errno != EINTR) return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Returns whether a child had ended. */
static bool reap_one(void) {
	int status;
	pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
	record_exit(pid, status);
	return pid > 0;
}

void handle_signals(void) {
	forward_signals();
	while (reap_one()) {}
}

/* Waits until Node.js has ended, then ends with the same exit status or by the same signal. */
int exit_like_node(void) {
	struct pollfd polled = {.fd = signal_fd, .events = POLLIN};

	if (node <= 0) return 0;
	close(STDOUT_FILENO); /* Node.js would wait for an answer for ever if this end stayed open. */
	for (handle_signals(); node_status < 0; handle_signals()) poll(&polled, 1, -1);
	if (WIFEXITED(node_status) && answered) {
		if (WEXITSTATUS(node_status) == 0) exec_command_if_set();
		return WEXITSTATUS(node_status);
	}
	undo_mount();
	int signal = WIFSIGNALED(node_status) ? WTERMSIG(node_status) : 0;
	if (!signal || !sigismember(&handled, signal)) {
		int exit = answer_for_node(node_status);
		if (signal != SIGKILL || given_up) return exit;
	}
	/* The kernel ignores a signal that process 1 sends to itself; under QEMU it would even wait for ever. */
	if (getpid() == 1) return 128 + signal;
	sigprocmask(SIG_UNBLOCK, &handled, NULL);
	kill(getpid(), signal);
	return 128 + signal;
}
