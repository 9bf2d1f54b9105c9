/*
 * The launcher makes the system calls that Node.js has no functions for: mount(2), umount2(2), unshare(2), openat2(2),
 * and execve(2) with its true errno. (Node's spawn uses execvp(3), which gives a file that the kernel refuses to a
 * shell.) It does what it is told and reports facts; TypeScript decides what they mean.
 *
 * Requests are lines on standard input, their fields separated by tabs. Answers are lines on standard output, in the
 * order of the requests:
 *
 *   REQUEST                          ANSWER
 *   mount TYPE DIR [PID]             ok | errno N   mounts at DIR, in the mount namespace of process PID if given
 *   umount DIR                       ok | errno N
 *   bind FROM DIR                    ok | errno N   mounts the directory FROM at DIR, with all mounts below it
 *   label FILE                       label LABEL    the SELinux label of FILE; nothing if it has none
 *   relabel DIR EMPTY LABEL          ok | errno N   mounts DIR over itself, read-only, with this label for all files;
 *                                                   EMPTY is an empty directory
 *   unshare NAMESPACES               ok | errno N   moves the launcher to new namespaces: "user" or "user,mount"
 *   enter PID                        ok | errno N   moves the launcher to the user and mount namespaces of process PID
 *   write-existing FILE HEX [ROOT]   ok | errno N   writes to a file that exists, in one write(2); ROOT is the root
 *                                                   directory of the process that writes, in which the kernel looks
 *                                                   for the paths in HEX
 *   write FILE HEX                   ok | errno N   creates an executable
 *   write - HEX                      fd N | errno N keeps an executable in memory, with the path /proc/self/fd/N
 *   open-directory ROOT PATH [create]
 *                                    fd N PID | errno N
 *                                                   opens the directory PATH below ROOT, as /proc/PID/fd/N; symbolic
 *                                                   links never lead out of ROOT. "create": also creates it
 *   close-directory N                ok | errno N   closes such a directory
 *   lock-directory N                 ok | errno N   locks such a directory (flock(2)) until the launcher ends; EAGAIN if
 *                                                   another process has locked it
 *   started                          (none)         Node.js has started: from now on it may take as long as it likes
 *   answered                         (none)         Node.js has said how the call went, or is about to: the launcher
 *                                                   need not (unanswered.c)
 *   become ROOT HEX                  ok             sets the command that the launcher becomes when Node.js has
 *                                                   ended; in HEX a null byte ends each word of the command
 *   run ROOT FILE [NAME=VALUE ...]   (none yet)     queues FILE, to be run with this environment in the root
 *                                                   directory ROOT; ROOT "-" means without chroot(2)
 *   inspect ROOT FILE [NAME=VALUE ...]
 *                                    (none yet)     queues FILE in the same way, but it will be ended before its
 *                                                   first instruction
 *   run-queued MILLISECONDS                         runs all queued files at the same time; when all have ended, or
 *                                                   are killed at the time limit, answers a line for each, in order:
 *
 *     exit|signal|timeout|starved|chroot|exec
 *                                      NUMBER  MICROSECONDS  RAN-BY  EXE  BUILD-ID  LABEL  OUTPUT
 *     inspected                        SIZE    MICROSECONDS  RAN-BY  EXE  BUILD-ID  LABEL  BEGINNING
 *
 * "starved" is a timeout of a program that has waited for a processor most of the time. NUMBER is the exit status, the signal, 0,
 * or the errno of the call that failed. EXE is the target of /proc/PID/exe
 * just after execve(2): FILE itself if the processor runs it, or the interpreter if an entry of binfmt_misc matched.
 * RAN-BY tells the two apart by the file's inode, as "processor" or "interpreter". If the launcher may not trace the
 * program, RAN-BY is "unknown" and EXE is empty. LABEL is the SELinux label of EXE. OUTPUT is the first bytes of standard
 * output and standard error. SIZE is the size of the file EXE in bytes, and BEGINNING its first 4096 bytes. HEX, EXE, OUTPUT
 * and BEGINNING are pairs of hexadecimal digits. MILLISECONDS is a day at most. The answer to any other line is "bad request".
 *
 * "launcher PID INPUT OUTPUT [FILE]" is how main.c starts it: PID is its child, the Node.js process (node_process.c);
 * INPUT and OUTPUT are the standard streams for the command (become.c), or OUTPUT alone is where a status is expected
 * (unanswered.c). The requests in FILE, which the build makes, are answered first, and then the line "end": so the probes run
 * while Node.js starts. The launcher ends at the end of its input.
 */
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void answer_errno(int result) {
	if (result < 0) printf("errno\t%d\n", errno);
	else puts("ok");
}

static int value_of(char digit) {
	const char *digits = "0123456789abcdef", *found = digit ? strchr(digits, digit) : NULL;
	return found ? (int)(found - digits) : -1;
}

ssize_t decode_hex(char *hex) {
	ssize_t length = 0;
	for (const char *pair = hex; *pair; pair += 2) {
		int high = value_of(pair[0]), low = value_of(pair[1]);
		if (high < 0 || low < 0) return -1;
		hex[length++] = (char)(high << 4 | low);
	}
	return length;
}

long parse_number(const char *text, long most) {
	long value = 0;
	for (const char *digit = text; *digit; digit++) {
		if (*digit < '0' || *digit > '9') return -1;
		value = 10 * value + (*digit - '0');
		if (value > most) return -1;
	}
	return *text ? value : -1;
}

/* The requests whose third field is in hexadecimal. Returns false if it is none of them. */
static bool answer_with_bytes(char **fields, int n) {
	enum { WRITE, WRITE_EXISTING, BECOME, NONE } request = NONE;
	if (!strcmp(fields[0], "write")) request = WRITE;
	if (!strcmp(fields[0], "write-existing")) request = WRITE_EXISTING;
	if (!strcmp(fields[0], "become")) request = BECOME;
	bool complete = n == 3 || (n == 4 && request == WRITE_EXISTING);
	ssize_t decoded = request == NONE || !complete ? -1 : decode_hex(fields[2]);
	size_t length = (size_t)decoded;

	if (decoded < 0) return false;
	if (request == WRITE) write_executable(fields[1], fields[2], length);
	if (request == WRITE_EXISTING) answer_errno(write_existing(fields[1], fields[2], length, n == 4 ? fields[3] : NULL));
	if (request == BECOME) puts(set_command(fields[1], fields[2], length) ? "ok" : "bad request");
	return true;
}

static void answer_label(const char *file) {
	char label[LABEL];

	read_label(file, label, sizeof label);
	printf("label\t%s\n", label);
}

/* Returns false if it is no request. */
static bool answer_fields(char **fields, int n) {
	enum { DAY = 24 * 60 * 60 * 1000 }; /* milliseconds */
	const char *name = fields[0];
	long number = n > 1 ? parse_number(fields[n - 1], INT_MAX) : -1;

	if (!strcmp(name, "mount") && n == 3)
		answer_errno(mount_here(fields[1], fields[2]));
	else if (!strcmp(name, "mount") && n == 4 && number > 0)
		answer_errno(mount_in(fields[1], fields[2], number));
	else if (!strcmp(name, "umount") && n == 2)
		answer_errno(unmount(fields[1]));
	else if (!strcmp(name, "bind") && n == 3)
		answer_errno(bind_recursively(fields[1], fields[2]));
	else if (!strcmp(name, "label") && n == 2)
		answer_label(fields[1]);
	else if (!strcmp(name, "relabel") && n == 4)
		answer_errno(relabel(fields[1], fields[2], fields[3]));
	else if (!strcmp(name, "unshare") && n == 2)
		answer_errno(unshare_namespaces(fields[1]));
	else if (!strcmp(name, "enter") && n == 2 && number > 0)
		answer_errno(enter_namespaces(number));
	else if (!strcmp(name, "open-directory") && (n == 3 || (n == 4 && !strcmp(fields[3], "create"))))
		open_directory(fields[1], fields[2], n == 4);
	else if (!strcmp(name, "close-directory") && n == 2 && number >= 0)
		answer_errno(close_directory((int)number));
	else if (!strcmp(name, "lock-directory") && n == 2 && number >= 0)
		answer_errno(lock_directory((int)number));
	else if (!strcmp(name, "answered") && n == 1)
		answered = true;
	else if (!strcmp(name, "started") && n == 1)
		return true;
	else if (!strcmp(name, "run-queued") && n == 2 && number >= 0 && number <= DAY)
		run_queued(number);
	else
		return answer_with_bytes(fields, n);
	return true;
}

/* Node.js has ended, and nothing is to be done for it any more. */
static bool ending;

/* `length` is that of the line, which may have null bytes in it. */
static void answer(const char *request, size_t length) {
	if (ending && strcmp(request, "answered")) return;
	char *line = strdup(request), *fields[MAX_FIELDS], *rest = line;
	int n = 0;

	if (!line) abort();
	bool complete = strlen(line) == length;
	while (n < MAX_FIELDS && rest) fields[n++] = strsep(&rest, "\t");
	if (rest) complete = false;
	bool queued = !strcmp(fields[0], "run") || !strcmp(fields[0], "inspect");
	if (complete && queued && n >= 3) {
		queue_run(fields, n, line);
		return; /* The queue frees the line. */
	}
	if (!complete || !answer_fields(fields, n)) puts("bad request");
	free(line);
}

/*
 * Answers the requests in a file, before Node.js has sent any. A root directory that begins with "@" is in the directory
 * of the file.
 */
static void answer_file(const char *path) {
	char *line = NULL, *full;
	size_t room = 0;
	FILE *file = fopen(path, "re");

	while (file && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		char *at = strchr(line, '@');
		if (at) *at = 0;
		const char *end = strrchr(path, '/');
		if (asprintf(&full, "%s%.*s%s", line, at ? (int)(end - path + 1) : 0, path, at ? at + 1 : "") < 0) abort();
		answer(full, strlen(full));
		free(full);
	}
	free(line);
	if (file) fclose(file);
	puts("end");
	fflush(stdout);
}

/* Reads what has arrived and answers every complete line. Returns false at the end of the input. */
static bool answer_requests(void) {
	enum { CHUNK = 65536 };
	static char *buffer;
	static size_t used, room;

	if (room - used < CHUNK) buffer = realloc(buffer, room += 2 * CHUNK);
	if (!buffer) abort();
	ssize_t length = read(STDIN_FILENO, buffer + used, room - used);
	if (length <= 0) return length < 0 && errno == EINTR;
	used += (size_t)length;
	char *start = buffer;
	for (char *end; (end = memchr(start, '\n', used - (size_t)(start - buffer))); start = end + 1) {
		*end = 0;
		answer(start, (size_t)(end - start));
	}
	fflush(stdout);
	used -= (size_t)(start - buffer);
	memmove(buffer, start, used);
	return true;
}

/*
 * Milliseconds. Where it may not start all of its threads, Node.js waits for them for ever. Under emulation on a slow machine it
 * needs ten seconds.
 */
#ifndef START_LIMIT
#define START_LIMIT 60000
#endif

int main(int argc, char **argv) {
	if (argc > 3) keep_streams(argv[2], argv[3]);
	adopt(argc > 1 ? argv[1] : NULL);
	if (argc > 4) answer_file(argv[4]);
	struct pollfd polled[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};

	bool heard = !has_node();
	for (bool more = true; more && !node_exited();) {
		int ready = poll(polled, 2, heard ? -1 : START_LIMIT);
		if (ready < 0 && errno != EINTR) break;
		if (ready == 0) give_up_on_node();
		heard |= polled[0].revents != 0;
		if (polled[1].revents) handle_signals();
		if (polled[0].revents) more = answer_requests();
	}
	/* What it wrote last may not have been read yet. */
	for (ending = true; poll(polled, 1, 0) > 0 && polled[0].revents & POLLIN && answer_requests();) {}
	return exit_like_node();
}
