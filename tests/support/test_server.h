/* SPDX-License-Identifier: MIT */
/*
 * The server core on a unix socket in a temporary folder, with a handler that
 * does what the request asks for.
 *
 * With `tries`, the loop threads answer requests that need not wait. The pool
 * answers all others: those whose DO begins with `pool`, `gate`, `barrier` or
 * `slot`.
 *
 * The parameter DO: `size:N`, `pool size:N` answers N bytes; `nothing`, `pool
 * nothing` gives no answer; `gate` waits for test_server_open_gate(); `barrier`
 * waits until as many of these requests are being handled as there are threads;
 * `slot` waits in its place for one of config.slots, and answers 503 if the
 * wait fails; `slot gate` does the same, but the worker that leaves the request
 * in its place waits for test_server_open_gate(). All other requests get an
 * empty body, and what was received as headers.
 */
#ifndef TESTS_TEST_SERVER_H
#define TESTS_TEST_SERVER_H

#include "base/base.h"

#include <pthread.h>

#include "base/env.h"
#include "server/listen.h"
#include "server/loop.h"
#include "tests/support/fake_env.h"
#include "tests/support/fcgi_client.h"

/* Long enough for the slowest sanitizer: the limit ends only a test that
 * hangs. */
#define HANG_MS 60000

struct test_server {
	char folder[64], path[80];
	struct env env;
	struct fake_env fake; /* after test_server_fake_clock() */
	struct listeners listeners;
	struct loop_config config;
	struct loop *loop;
	bool tries; /* set before test_server_start() */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool gate_open;
	unsigned at_gate, at_barrier, barriers;
	uint64_t handled;
	size_t bodies[64]; /* the lengths of the first bodies, in order */
};

/* The label of the tests of which the second, _i == 1, sets `tries`. */
const char *test_server_label(int i);

/* Sets defaults, which a test may change before test_server_start(). */
void test_server_init(struct test_server *s, unsigned threads);
/* Stops the clock: from now on, nothing ends because of a time limit. */
void test_server_fake_clock(struct test_server *s);
void test_server_start(struct test_server *s);
/* Both, with the defaults. */
void test_server_begin(struct test_server *s, unsigned threads, bool tries);

/* Stops the loop only; the sockets stay open, as those of a service manager
 * do. */
void test_server_stop(struct test_server *s, int64_t grace_ms,
		      int64_t limit_ms);
void test_server_end(struct test_server *s);

void test_server_open_gate(struct test_server *s);

/* Polls `done` and ticks the loop until it returns true; returns false after
 * HANG_MS. */
bool test_server_wait(struct test_server *s,
		      bool (*done)(struct test_server *s));

struct loop_counts test_server_counts(struct test_server *s);
bool test_server_is_empty(struct test_server *s); /* no client is connected */

/* Returns whether one request waits at the gate. */
bool test_server_is_at_gate(struct test_server *s);

/* Each returns the client's end of a connection: a new one; a kept one after
 * one answer; one with half a request sent. */
int test_server_connect(const struct test_server *s);
int test_server_idle(const struct test_server *s);
int test_server_half_sent(const struct test_server *s);

void test_server_send(int fd, const struct fcgi_request *r);
enum fcgi_got test_server_read(int fd);

/* Asserts that a valid request on a new connection is answered. */
void test_server_must_answer(struct test_server *s);

/* Asserts that as many requests are handled concurrently as there are
 * threads. */
void test_server_must_have_all_workers(struct test_server *s);

#endif
