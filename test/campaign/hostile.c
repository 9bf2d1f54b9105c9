/* Emulators that run nothing, or not well. Compiled with one of these names as BEHAVIOUR. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { SENTINEL = 42 };

static const char *program = "";

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

/* As good as an emulator needs to be for our test programs: it crashes for one without code, and exits for all others. */
int emulates(void) {
	unsigned instruction = 0;
	int fd = open(program, O_RDONLY);

	if (lseek(fd, -(off_t)sizeof instruction, SEEK_END) < 0 || read(fd, &instruction, sizeof instruction) < 0) return 1;
	return instruction ? SENTINEL : crashes();
}

int crashes_on_every_third_run(void) {
	return getpid() % 3 ? emulates() : crashes();
}

/* A good one needs 3 ms. */
int is_slow(void) {
	usleep(300000);
	return emulates();
}

int main(int argc, char **argv) {
	if (argc > 1) program = argv[1];
	return BEHAVIOUR();
}
