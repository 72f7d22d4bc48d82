/* SPDX-License-Identifier: MIT */
/*
 * What the service manager wants to know (sd_notify(3)), without its library.
 * For the main thread.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include "base/base.h"

struct buf;
struct err;

struct notifier {
	int fd;		     /* -1: nobody listens */
	char socket[108];    /* a path or `@name` */
	int64_t watchdog_ms; /* how often it must hear of us; 0: never */
};

/*
 * Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment:
 * no child of ours shall speak for us.  What cannot be understood counts as
 * absent.
 */
void notify_init(struct notifier *n);
void notify_close(struct notifier *n);

/* Sends `NAME=value` lines; 0 when nobody listens.  ERR_BUSY: its queue is
 * full. */
int notify_send(const struct notifier *n, const char *lines,
		struct err *err) MUST_USE;

/* NAME=value, each with a NUL behind it: what a successor needs in its
 * environment to speak instead of us. */
void notify_print_environment(const struct notifier *n, struct buf *out);

#endif
