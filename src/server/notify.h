/* SPDX-License-Identifier: MIT */
/*
 * Notifies the service manager (sd_notify(3)), without its library. Used by the
 * main thread only.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include "base/base.h"

struct buf;
struct err;

struct notifier {
	int fd; /* -1: there is no service manager that listens */
	char socket[108]; /* a path or `@name` */
	/* the interval of the watchdog of the service manager; 0: none */
	int64_t watchdog_ms;
};

/*
 * Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment,
 * so that no child process notifies in place of this one. A value that is not
 * valid counts as absent.
 */
void notify_init(struct notifier *n);
void notify_close(struct notifier *n);

/* Sends `NAME=value` lines; returns 0 also when no service manager listens.
 * ERR_BUSY: its queue is full. */
int notify_send(const struct notifier *n, const char *lines,
		struct err *err) MUST_USE;

/* Prints what a successor needs in its environment to notify in place of this
 * process: NAME=value, each followed by a NUL. */
void notify_print_environment(const struct notifier *n, struct buf *out);

#endif
