/* The functions that the parts of the launcher share. launcher.c describes the launcher as a whole. */
#pragma once
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* The most fields that a request may have: "run", its root directory, its file, and a dozen of variables. */
enum { MAX_FIELDS = 15 };

/* requests.c: answers a request. `length` is that of the line, which may have null bytes in it. */
void answer(const char *request, size_t length);
/* Node.js has ended, and nothing is to be done for it any more. */
extern bool ending;
/* Answers "ok", or the errno of the call that failed if `result` is negative. */
void answer_errno(int result);
/* Turns hexadecimal digits into bytes, in place. Returns the number of bytes; -1 if these are not pairs of digits. */
ssize_t decode_hex(char *hex);
/* Returns the value of a decimal number from 0 to `most`, or -1 for any other text. */
long parse_number(const char *text, long most);

/* mounts.c: each returns 0, or -1 with errno. `pid`: a process, whose mount namespace is meant. */
int mount_here(const char *type, const char *dir);
int mount_in(const char *type, const char *dir, long pid);
int unmount(const char *dir);
int bind_recursively(const char *from, const char *dir);
int unshare_namespaces(const char *names);
/* Mounts `dir` over itself, read-only, with this SELinux label for all files. `empty`: an empty directory. */
int relabel(const char *dir, const char *empty, const char *label);
/* The user and mount namespaces of process `pid`. */
int enter_namespaces(long pid);
/* Unmounts what mount_here has mounted last, unless that was unmounted already. */
void undo_mount(void);

/*
 * files.c: write_executable answers by itself; write_existing returns 0, or -1 with errno. `root`: the root directory of the
 * process that writes; NULL: the launcher's own.
 */
void write_executable(const char *file, const char *bytes, size_t length);
int write_existing(const char *file, const char *bytes, size_t length, const char *root);

/* label.c: the SELinux label of a file; nothing if it has none, or one that is longer. */
enum { LABEL = 256 }; /* bytes */
void read_label(const char *file, char *label, size_t room);

/* directories.c: open_directory answers by itself; the others return 0, or -1 with errno. */
void open_directory(const char *root, const char *path, bool create);
int close_directory(int fd);
int lock_directory(int fd);

/* runs.c: queues programs and runs them, all at the same time. queue_run takes over `line`, which holds `fields`. */
void queue_run(char **fields, int n, char *line);
void run_queued(long milliseconds);

/* strays.c: `limit` in microseconds; `is_started`: is it the file that a run has started? */
bool is_starved(pid_t pid, long long limit);
void kill_strays(struct timespec begin, bool (*is_started)(const struct stat *file));

/* build_id.c: writes the build ID of an ELF file in hexadecimal; nothing if there is none in its beginning. */
void read_build_id(const char *beginning, size_t length, char *hex, size_t room);

/* exec_program.c: what a child does to become a program. It tells the launcher through shared memory. */
struct child_report {
	atomic_bool claimed; /* by the child that tries binfmt */
	char failed_call[8]; /* "chroot" or "exec"; empty if a child has become the program */
	int error;           /* the errno of that call */
	dev_t device;        /* with `inode`: the file of the program, as the child saw it just before execve(2) */
	ino_t inode;
};
struct program {
	char *root; /* NULL: the launcher's own root directory */
	char *file, *environment[MAX_FIELDS];
	int input, output; /* file descriptors */
};
/* Enters the root directory of `program`, and ends this process if it cannot. */
void prepare_child(const struct program *program, struct child_report *report, pid_t launcher);
/* Returns if the kernel refuses the program. */
void exec_program(const struct program *program, struct child_report *report);

/* node_process.c: the Node.js process that the launcher serves, and the signals that the launcher receives. */
extern int signal_fd; /* non-blocking */
/* `pid` in decimal; NULL if the launcher serves only its standard input. */
void adopt(const char *pid);
bool has_node(void);
bool node_exited(void);
void record_exit(pid_t pid, int status);
int wait_for(pid_t child);
/* Kills Node.js: it has not said anything for too long. */
void give_up_on_node(void);
bool gave_up_on_node(void);
void forward_signals(void);
void handle_signals(void);
int exit_like_node(void);
/* Puts the handling of signals back as it was before adopt(). */
void restore_signals(void);

/* unanswered.c: what the launcher says if Node.js could not. */
extern bool answered; /* Node.js has said how the call went */
/* `output`: a file descriptor where a status is expected, or -1. */
void expect_status(int output);
/* `status`: how Node.js ended, as waitpid reports it. Returns the exit status of the launcher. */
int answer_for_node(int status);
/* `call`: what failed, with errno. */
_Noreturn void fail_at(const char *call);

/* become.c: the command that the launcher becomes when Node.js has ended. */
void keep_streams(const char *input, const char *output);
bool set_command(const char *root, const char *words, size_t length);
void exec_command_if_set(void);
