/* SPDX-License-Identifier: MIT */
/*
 * Programs that a test starts: a server, or a tool that runs to its end. They
 * are killed when the thread that started them ends, for any reason. All
 * functions work outside a case too, where assertions of libcheck do not.
 */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include "base/base.h"

#include <sys/types.h>

/* Prints the error and ends the process. */
#define MUST(cond, ...)                                                        \
	do {                                                                   \
		if (!(cond))                                                   \
			process_abort(__FILE__, __LINE__, __VA_ARGS__);        \
	} while (0)
void process_abort(const char *file, int line, const char *fmt, ...)
    PRINTF(3, 4) __attribute__((noreturn));

struct process {
	pid_t pid; /* 0: not running */
};

struct process_spec {
	const char *const *argv; /* terminated by NULL; argv[0] is a path */
	const char *folder; /* working folder; NULL: that of the test */
	const char *log; /* file to which the output is appended */
	bool unprivileged; /* runs as nobody if the test runs as root */
};

/* Finds a program; false: it is neither in PATH nor where Debian has the
 * programs of PostgreSQL. */
bool process_find(const char *name, char *path, size_t n) MUST_USE;

/* Each of these aborts on failure. */
void process_start(struct process *p, const struct process_spec *spec);
int process_run(const struct process_spec *spec); /* returns the exit status */

/* Calls `ready` until it returns true; returns false when the program (NULL:
 * none) ended before, or after limit_ms. */
bool process_wait(struct process *p, bool (*ready)(void *ctx), void *ctx,
		  int64_t limit_ms) MUST_USE;

/* Sends the signal and waits for the end; kills the program when that takes too
 * long. Does nothing when the program is not running. */
void process_stop(struct process *p, int signal);

/* Sends SIGSTOP or SIGCONT to the program and its children. */
void process_signal_all(const struct process *p, int signal);

/* Returns the monotonic clock in milliseconds. */
int64_t process_now_ms(void);
void process_sleep_ms(int64_t ms);

/* Returns a TCP port of 127.0.0.1 that was free a moment ago. */
int process_free_port(void);

/* Creates a new folder below /tmp, which an unprivileged program may use; and
 * removes it with its contents. */
void process_folder(char *path, size_t n);
void process_remove(const char *folder);

#endif
