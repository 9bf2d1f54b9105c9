/* One program that the launcher runs. runs.c starts it and waits for it, and run_report.c says how it ended. */
#pragma once
#include "launcher.h"

struct run {
	char *line; /* holds the strings of `program` */
	struct program program;
	pid_t pid;
	bool inspect; /* It is ended as soon as it has started, and the started file is reported. */
	bool ended, traced, late, starved;
	int status; /* as waitpid reports it */
	struct { char *beginning; ssize_t length; long long size; } interpreter;
	struct timespec start, end;
	char *exe, label[LABEL]; /* `exe`: NULL if it was not seen */
	dev_t device; /* with `inode`: the file `exe` */
	ino_t inode;
	const char *ran_by; /* "processor", "interpreter" or "unknown" */
};

enum { BEGINNING = 4096 }; /* bytes of an interpreter */

static inline long long microseconds(struct timespec from, struct timespec to) {
	return (to.tv_sec - from.tv_sec) * 1000000LL + (to.tv_nsec - from.tv_nsec) / 1000;
}

/* Answers a line for it. */
void report_run(const struct run *run, const struct child_report *child);
