/*
 * A plain native registrar, as a floor for the benchmarks: it does what a simple program of its kind does, and nothing
 * else. It reads the entries of binfmt_misc, runs one test program after another with chroot(2) and execve(2), and prints
 * the status as JSON.
 *
 *   peer PROBES [--install FILE...] [--uninstall]
 *
 * PROBES is a directory of test programs, one for each architecture, with its name. --uninstall first removes every entry
 * whose name begins with "qemu-". --install registers the line in each FILE, as binfmt.d(5) has them; an entry that
 * exists is left alone. binfmt_misc is mounted for the time of the call if it is not mounted.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES = 256, TEXT = 4096 };
static const char *binfmt = "/proc/sys/fs/binfmt_misc";

static void die(const char *what) {
	perror(what);
	exit(1);
}

static int compare(const void *one, const void *other) {
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The names in a directory, sorted, without `.` and `..`. */
static int list(const char *dir, char **names) {
	int count = 0;
	DIR *opened = opendir(dir);
	if (!opened) die(dir);
	for (struct dirent *entry; count < NAMES && (entry = readdir(opened));)
		if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
	closedir(opened);
	qsort(names, (size_t)count, sizeof *names, compare);
	return count;
}

/* Returns the number of bytes, -1 if the file cannot be read. */
static ssize_t read_file(const char *dir, const char *name, char *text) {
	char path[TEXT];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, TEXT - 1);
	if (length >= 0) text[length] = 0;
	if (fd >= 0) close(fd);
	return length;
}

static int write_file(const char *name, const char *text, size_t length) {
	char path[TEXT];
	snprintf(path, sizeof path, "%s/%s", binfmt, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written = fd < 0 ? -1 : write(fd, text, length);
	int error = errno;
	if (fd >= 0) close(fd);
	errno = error;
	return written < 0 ? -1 : 0;
}

/* A test program runs if it ends with a status that no shell uses: 42, or 64 and more. */
static bool runs(const char *root, const char *name) {
	char file[256];
	int status;
	pid_t child = fork();
	if (child < 0) die("fork");
	if (child == 0) {
		snprintf(file, sizeof file, "/%s", name);
		int null = open("/dev/null", O_RDWR);
		for (int fd = 0; null >= 0 && fd < 3; fd++) dup2(null, fd);
		if (chroot(root) < 0 || chdir("/") < 0) _exit(1);
		execve(file, (char *[]){file, NULL}, (char *[]){NULL});
		_exit(1);
	}
	if (waitpid(child, &status, 0) != child) die("waitpid");
	return WIFEXITED(status) && (WEXITSTATUS(status) == 42 || (WEXITSTATUS(status) >= 64 && WEXITSTATUS(status) < 80));
}

static void print_list(const char *key, char **names, int count, const char *prefix, const char *end) {
	printf("  \"%s\": [", key);
	for (int i = 0; i < count; i++) printf("%s\n    \"%s%s\"", i ? "," : "", prefix, names[i]);
	printf("%s]%s\n", count ? "\n  " : "", end);
}

static void uninstall(void) {
	char *names[NAMES];
	int count = list(binfmt, names);
	for (int i = 0; i < count; i++)
		if (!strncmp(names[i], "qemu-", 5) && write_file(names[i], "-1", 2) < 0) die(names[i]);
}

static void install(const char *file) {
	char line[TEXT];
	ssize_t length = read_file(".", file, line);
	if (length < 0) length = read_file("", file, line);
	if (length < 0) die(file);
	length = (ssize_t)strcspn(line, "\n");
	int failed = write_file("register", line, (size_t)length);
	fprintf(stderr, "installing: %s %s\n", file, !failed ? "OK" : errno == EEXIST ? "already registered" : strerror(errno));
}

int main(int argc, char **argv) {
	char *names[NAMES], *supported[NAMES], *enabled[NAMES], text[TEXT];
	int count, runnable = 0, entries = 0;
	if (argc < 2) die("usage: peer PROBES [--uninstall] [--install FILE...]");
	bool mounted = access("/proc/sys/fs/binfmt_misc/register", F_OK) < 0;
	if (mounted && mount("binfmt_misc", binfmt, "binfmt_misc", 0, NULL) < 0) die("mount");
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--uninstall")) uninstall();
		else if (strcmp(argv[i], "--install")) install(argv[i]);
	}
	count = list(argv[1], names);
	for (int i = 0; i < count; i++)
		if (runs(argv[1], names[i])) supported[runnable++] = names[i];
	count = list(binfmt, names);
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], "register") && strcmp(names[i], "status") && read_file(binfmt, names[i], text) > 0 &&
		    !strncmp(text, "enabled", 7))
			enabled[entries++] = names[i];
	if (mounted) umount2(binfmt, MNT_DETACH);
	puts("{");
	print_list("supported", supported, runnable, "linux/", ",");
	print_list("emulators", enabled, entries, "", "");
	puts("}");
	return 0;
}
