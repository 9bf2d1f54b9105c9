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
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
