/* What /proc tells of the programs that were started: whether they had a processor, and what they have left behind. */
#define _GNU_SOURCE
#include "launcher.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What /proc tells of a process. Times are in clock ticks; `start` counts since the machine was started. */
struct stat_line { char state; long long user, system, start; };

/* Returns false if the process has ended. Source: proc_pid_stat(5). */
static bool read_stat(long pid, struct stat_line *stat) {
	char path[64], text[1024], *field;
	int n = 0;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file) return false;
	/* The name of the program may have blanks in it. Fields 3, 14, 15 and 22 follow. */
	if (fgets(text, sizeof text, file) && (field = strrchr(text, ')')))
		n = sscanf(field + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %*d %*d %*d %*d %*d %*d %lld",
			&stat->state, &stat->user, &stat->system, &stat->start);
	fclose(file);
	return n == 4;
}

/*
 * At the time limit: has it had little of the processor's time, and waits for it, for a disk, or for the launcher, which waits
 * itself? Then the machine, and not the program, is too slow. `limit` in microseconds.
 */
bool is_starved(pid_t pid, long long limit) {
	enum { LITTLE = 8 }; /* less than an eighth */
	struct stat_line stat;

	if (!read_stat(pid, &stat) || !strchr("RDt", stat.state)) return false;
	return (stat.user + stat.system) * (1000000 / sysconf(_SC_CLK_TCK)) < limit / LITTLE;
}

/* Does a process run a file that a run has started, and was it started at `since` or later? */
static bool is_stray(long pid, long long since, bool (*is_started)(const struct stat *file)) {
	char link[64];
	struct stat file;
	struct stat_line process;

	snprintf(link, sizeof link, "/proc/%ld/exe", pid);
	return stat(link, &file) == 0 && read_stat(pid, &process) && is_started(&file) && process.start >= since;
}

/*
 * Ends what the runs have left behind, even if it has left their process groups: this launcher has become its parent. Nothing else
 * is touched: it may have other children, which it has inherited from the caller. New ones may come while these are ended.
 * Without CONFIG_PROC_CHILDREN there is no list.
 */
void kill_strays(struct timespec begin, bool (*is_started)(const struct stat *file)) {
	enum { ROUNDS = 1000 };
	long ticks = sysconf(_SC_CLK_TCK);
	long long since = begin.tv_sec * ticks + begin.tv_nsec / (1000000000 / ticks);
	bool more = true;

	for (int i = 0; more && i < ROUNDS; i++) {
		FILE *children = fopen("/proc/thread-self/children", "re");
		more = false;
		for (long pid; children && fscanf(children, "%ld", &pid) == 1;) {
			if (!is_stray(pid, since, is_started) || kill((pid_t)pid, SIGKILL) < 0) continue;
			wait_for((pid_t)pid);
			more = true;
		}
		if (children) fclose(children);
	}
}
