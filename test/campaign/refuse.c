/*
 * refuse ERRNO SYSCALL[,SYSCALL...] COMMAND...: runs a command for which these system calls fail with this errno, as
 * a seccomp profile would let them fail. Names and numbers are those of this machine's <sys/syscall.h>.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 16 };

static const struct { const char *name; int number; } calls[] = {
#define CALL(name) {#name, SYS_##name},
#ifdef SYS_inotify_init
	CALL(inotify_init)
#endif
	CALL(mount) CALL(umount2) CALL(chroot) CALL(ptrace) CALL(unshare) CALL(setns) CALL(memfd_create) CALL(inotify_init1)
	CALL(inotify_add_watch) CALL(close_range) CALL(openat2) CALL(pidfd_open) CALL(signalfd4) CALL(prctl) CALL(prlimit64)
	CALL(fchmod) CALL(execveat) CALL(statx)
};

static const struct { const char *name; int number; } errors[] = {{"EPERM", EPERM}, {"ENOSYS", ENOSYS}};

int main(int argc, char **argv) {
	struct sock_filter filter[2 * MOST + 2];
	unsigned short n = 0;
	int error = 0;

	if (argc < 4) return 2;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (!strcmp(argv[1], errors[i].name)) error = errors[i].number;
	if (!error) return fprintf(stderr, "refuse: unknown errno %s\n", argv[1]), 2;
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (char *name, *rest = argv[2]; (name = strsep(&rest, ","));) {
		size_t i = 0;
		while (i < sizeof calls / sizeof *calls && strcmp(name, calls[i].name)) i++;
		if (i == sizeof calls / sizeof *calls || n > 2 * MOST - 1) return fprintf(stderr, "refuse: unknown system call %s\n", name), 2;
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number, 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = n, .filter = filter};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) return perror("refuse: seccomp"), 1;
	execv(argv[3], argv + 3);
	return perror(argv[3]), 127;
}
