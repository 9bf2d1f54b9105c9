/* Emulators that run nothing, or not well. Compiled with one of these names as BEHAVIOUR. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SENTINEL = 42 };

int never_ends(void) {
	for (;;) pause();
}

int ignores_signals(void) {
	for (int i = 1; i < 65; i++) signal(i, SIG_IGN);
	for (;;) pause();
}

/* Its children leave its process group. They do not fork too: nothing but a limit of the machine ends that. */
int forks_for_ever(void) {
	for (;; usleep(1000))
		if (fork() == 0) {
			setsid();
			never_ends();
		}
}

int prints_a_gigabyte(void) {
	static char block[1 << 16];
	for (int i = 0; i < 1 << 14; i++)
		if (write(1, block, sizeof block) < 0) return SENTINEL + 1;
	return SENTINEL;
}

int pretends(void) {
	return SENTINEL;
}

int crashes(void) {
	abort();
}

int exits_with_0(void) {
	return 0;
}

int main(void) {
	return BEHAVIOUR();
}
