/* The line that says how a program ended (launcher.c). */
#include "run.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_SHOWN = 512, BUILD_ID = 64 }; /* bytes */

static void print_hex(const char *bytes, size_t length) {
	for (size_t i = 0; i < length; i++) printf("%02x", (unsigned char)bytes[i]);
}

void report_run(const struct run *run, const struct child_report *child) {
	char output[OUTPUT_SHOWN], id[2 * BUILD_ID + 1];
	const char *bytes = output;
	ssize_t length = run->program.output < 0 ? 0 : pread(run->program.output, output, sizeof output, 0);
	const char *kind = "exit";
	long long number = WEXITSTATUS(run->status);

	read_build_id(run->interpreter.beginning, run->interpreter.length > 0 ? (size_t)run->interpreter.length : 0, id, sizeof id);
	if (child->failed_call[0]) {
		kind = child->failed_call;
		number = child->error;
	} else if (run->inspect && run->interpreter.size > 0) {
		kind = "inspected";
		number = run->interpreter.size;
		bytes = run->interpreter.beginning;
		length = run->interpreter.length;
	} else if (run->late) {
		kind = run->starved ? "starved" : "timeout";
		number = 0;
	} else if (WIFSIGNALED(run->status)) {
		kind = "signal";
		number = WTERMSIG(run->status);
	}
	printf("%s\t%lld\t%lld\t%s\t", kind, number, microseconds(run->start, run->end), run->ran_by);
	if (run->exe) print_hex(run->exe, strlen(run->exe));
	printf("\t%s\t%s\t", id, run->label);
	print_hex(bytes, length > 0 ? (size_t)length : 0);
	putchar('\n');
}
