/* SPDX-License-Identifier: MIT */
/* A server on 127.0.0.1 that says what it is told to, whatever it is
 * asked. */
#ifndef CONTRACT_REDIS_FAKE_H
#define CONTRACT_REDIS_FAKE_H

#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>

struct redis_line {
	const char *bytes; /* NULL: nothing */
	size_t n; /* 0: up to the NUL */
	int64_t each_ms; /* between two bytes */
	bool hang_up; /* afterwards */
	int64_t hang_up_ms; /* later */
};

struct redis_fake {
	const struct redis_line *lines; /* one for what is read at once */
	size_t n;
	char url[64];
	int port, fd, stop[2];
	atomic_uint accepted; /* connections so far */
	pthread_t thread;
};

/* Each connection begins with lines[0]; after the last one it is silent. */
void redis_fake_start(struct redis_fake *f, const struct redis_line *lines,
		      size_t n);
/* Waits until it has accepted so many connections. */
void redis_fake_wait(struct redis_fake *f, unsigned accepted);
void redis_fake_end(struct redis_fake *f);

#endif
