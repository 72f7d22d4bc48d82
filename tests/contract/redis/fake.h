/* SPDX-License-Identifier: MIT */
/* A server on 127.0.0.1 that sends given lines, whatever it receives. */
#ifndef CONTRACT_REDIS_FAKE_H
#define CONTRACT_REDIS_FAKE_H

#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>

struct redis_line {
	const char *bytes; /* NULL: sends nothing */
	size_t n; /* 0: until the NUL */
	int64_t each_ms; /* pause between two bytes */
	bool hang_up; /* closes the connection afterwards */
	int64_t hang_up_ms; /* pause before that */
};

struct redis_fake {
	const struct redis_line *lines; /* one for each read() */
	size_t n;
	char url[64];
	int port, fd, stop[2];
	atomic_uint accepted; /* number of connections so far */
	pthread_t thread;
};

/* Each connection gets lines[0] first; after the last line it gets nothing. */
void redis_fake_start(struct redis_fake *f, const struct redis_line *lines,
		      size_t n);
/* Waits until the server has accepted so many connections. */
void redis_fake_wait(struct redis_fake *f, unsigned accepted);
void redis_fake_end(struct redis_fake *f);

#endif
