/* What the parts of the launcher know of each other; see launcher.c. */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* More than any request has. */
enum { MAX_FIELDS = 16 };

/* launcher.c: for a master that was killed in the middle of its work. */
void undo_mount(void);

/* runs.c: programs, many at once. queue_run owns the line that the fields point into. */
void queue_run(char **fields, int n, char *line);
void go(long milliseconds);

/* master.c: the child that the launcher serves, if it has one, and the signals that it takes. */
extern int signals; /* file descriptor, non-blocking */
void serve(const char *pid);
bool has_master(void);
bool master_ended(void);
void note_end(pid_t pid, int status);
int wait_for(pid_t child);
void pass_signals_on(void);
void take_signals(void);
int end_as_master(void);
/* Signals as they were before serve(). */
void leave_signals(void);

/* become.c: the command that the launcher becomes when its master has ended. */
void keep_streams(const char *input, const char *output);
bool will_become(const char *root, char *command, size_t length);
void become_if_told(void);
