/*
 * The launcher's parser of requests, and all that it does on request, without any privilege and in an empty root directory. An
 * input is what Node.js might send.
 */
#define _GNU_SOURCE
#include "../../src/native/launcher.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Milliseconds that the programs of one input may take. */
enum { LIMIT = 50, FIRST_FILE = 10 };

/* At the first input, because libFuzzer reads its own files before that. It reports on standard error. */
static void enter_empty_root(void) {
	char dir[] = "/tmp/fuzz-XXXXXX";
	static bool done;

	if (done) return;
	done = true;
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout)) abort();
	if (!mkdtemp(dir) || chroot(dir) < 0 || chdir("/") < 0) abort();
	keep_streams("0", "1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = malloc(size + 1), *line = text;

	enter_empty_root();
	memcpy(text, data, size);
	text[size] = '\n';
	for (char *end; line <= text + size && (end = memchr(line, '\n', (size_t)(text + size + 1 - line))); line = end + 1) {
		*end = 0;
		/* It would wait as long as it is told to. */
		if (strncmp(line, "run-queued", 10)) answer(line, (size_t)(end - line));
	}
	run_queued(LIMIT);
	free(text);
	close_range(FIRST_FILE, ~0U, 0);
	return 0;
}
