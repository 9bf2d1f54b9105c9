/* Answers one request to the launcher. launcher.c lists all requests, and what is answered. */
#include "launcher.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool ending;

void answer(const char *request, size_t length) {
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
