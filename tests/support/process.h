/* SPDX-License-Identifier: MIT */
/*
 * Programs that a test starts: a server, or a tool that runs to its end.  They
 * die with the thread that started them, however that ends.  All of this works
 * outside a case, too, where assertions of libcheck do not.
 */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include "base/base.h"

#include <sys/types.h>

/* Says what is wrong and ends the process. */
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
	const char *const *argv; /* NULL at the end; argv[0] is a path */
	const char *folder; /* working folder; NULL: ours */
	const char *log; /* what it prints is appended here */
	bool unprivileged; /* as nobody, when we are root */
};

/* False: neither in PATH nor where Debian has the programs of PostgreSQL. */
bool process_find(const char *name, char *path, size_t n) MUST_USE;

/* Each aborts when it cannot. */
void process_start(struct process *p, const struct process_spec *spec);
int process_run(const struct process_spec *spec); /* its exit status */

/* Asks `ready` until it says yes; false when the program (NULL: none) has ended
 * before, or limit_ms are over. */
bool process_wait(struct process *p, bool (*ready)(void *ctx), void *ctx,
		  int64_t limit_ms) MUST_USE;

/* Sends the signal and waits for the end; kills when that takes too long.
 * Nothing, when it is not running. */
void process_stop(struct process *p, int signal);

/* To it and its children: SIGSTOP, SIGCONT. */
void process_signal_all(const struct process *p, int signal);

/* Milliseconds of the monotonic clock. */
int64_t process_now_ms(void);
void process_sleep_ms(int64_t ms);

/* A TCP port of 127.0.0.1 that was free a moment ago. */
int process_free_port(void);

/* A new folder below /tmp, which an unprivileged program may use; and its end
 * with all that is in it. */
void process_folder(char *path, size_t n);
void process_remove(const char *folder);

#endif
