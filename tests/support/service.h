/* SPDX-License-Identifier: MIT */
/*
 * The server core on a unix socket in a temporary folder, with a handler that
 * does what the request asks for.
 *
 * The parameter DO: `size:N` answers N bytes; `nothing` gives no answer; `gate`
 * waits for service_open_gate(); `barrier` waits until as many of these
 * requests are being handled as there are threads; `slot` waits in its place
 * for one of config.slots, and answers 503 if the wait fails; `slot gate` does
 * the same, but the worker that leaves the request in its place waits for
 * service_open_gate().  All other requests get an empty body, and what was
 * received as headers.
 */
#ifndef TESTS_SERVICE_H
#define TESTS_SERVICE_H

#include "base/base.h"

#include <pthread.h>

#include "base/env.h"
#include "server/listen.h"
#include "server/loop.h"
#include "tests/support/fake_env.h"
#include "tests/support/fcgi_client.h"

/* Long enough for the slowest sanitizer: the limit ends only a test that
 * hangs. */
#define HANG_MS 20000

struct service {
	char folder[64], path[80];
	struct env env;
	struct fake_env fake; /* after service_fake_clock() */
	struct listeners listeners;
	struct loop_config config;
	struct loop *loop;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool gate_open;
	unsigned at_gate, at_barrier, barriers;
	uint64_t handled;
};

/* Sets defaults, which a test may change before service_start(). */
void service_init(struct service *s, unsigned threads);
/* Stops the clock: from now on, nothing ends because of a time limit. */
void service_fake_clock(struct service *s);
void service_start(struct service *s);
/* Both, with the defaults. */
void service_begin(struct service *s, unsigned threads);

/* Stops the loop only; the sockets stay open, as those of a service manager
 * do. */
void service_stop(struct service *s, int64_t grace_ms, int64_t limit_ms);
void service_end(struct service *s);

void service_open_gate(struct service *s);

/* Polls `done` and ticks the loop until it returns true; returns false after
 * HANG_MS. */
bool service_wait(struct service *s, bool (*done)(struct service *s));

struct loop_counts service_counts(struct service *s);
bool service_is_empty(struct service *s); /* no client is connected */

/* Each returns the client's end of a connection: a new one; a kept one after
 * one answer; one with half a request sent. */
int service_connect(const struct service *s);
int service_idle(const struct service *s);
int service_half_sent(const struct service *s);

void service_send(int fd, const struct fcgi_request *r);
enum fcgi_got service_read(int fd);

/* Asserts that a valid request on a new connection is answered. */
void service_must_answer(struct service *s);

/* Asserts that as many requests are handled concurrently as there are
 * threads. */
void service_must_have_all_workers(struct service *s);

#endif
