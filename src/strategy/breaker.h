/* SPDX-License-Identifier: MIT */
/*
 * A circuit breaker: threads share what they know about the state of a backend,
 * so that an unresponsive server delays one thread at a time instead of all of
 * them, and so that all threads continue as soon as it is back:
 *
 *   good      every thread may connect. An operation that fails with
 *             ERR_UNAVAILABLE, or a failure to connect, ends this state.
 *   doubtful  one new connection at a time may be tried; all other attempts
 *             fail at once. After the first such failure the next attempt is
 *             made after 50 ms; the wait is doubled up to 500 ms. An operation
 *             that the server answers, with whatever result, makes the backend
 *             good again.
 *
 * A failure to connect does not affect connections in use. When an operation
 * fails, all connections are dropped before they are used again, except those
 * on which the server has answered since: after a restart each of them would
 * fail once more, and each would wait for an unresponsive server.
 */
#ifndef STRATEGY_BREAKER_H
#define STRATEGY_BREAKER_H

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>

/* A failure or an operation that took less time does not tell anything about
 * the server. */
#define BREAKER_SLOW_MS 50

/* Shared by threads. */
struct breaker {
	/* Incremented when an operation fails: connections of earlier epochs
	 * are doubtful. Written under the lock. */
	atomic_uint epoch;
	pthread_mutex_t lock; /* guards the rest; not held across I/O */
	bool doubtful, probing;
	int64_t wait_ms; /* 0: no attempt yet since it was good */
	int64_t retry_at_ms; /* no attempt is made before */
	int64_t since_ms; /* when the backend became doubtful */
	struct err why; /* the last failure */
};

/* The part of one connection; it belongs to one thread. */
struct breaker_seat {
	unsigned epoch; /* when the connection was last known to work */
	bool probing; /* this is the one attempt; the others fail meanwhile */
};

void breaker_init(struct breaker *b);
void breaker_destroy(struct breaker *b);

/* Returns whether the backend is good. */
bool breaker_is_good(struct breaker *b);

/* Returns whether no thread has seen a failure since the server last answered
 * on this connection. */
bool breaker_trusts(const struct breaker *b, const struct breaker_seat *seat);

/* Returns 0 if a connection may be made now, else ERR_UNAVAILABLE with the
 * last failure. */
int breaker_enter(struct breaker *b, struct breaker_seat *seat, int64_t now_ms,
		  struct err *err) MUST_USE;

struct breaker_failure {
	bool connected; /* an operation failed; else it could not connect */
	int64_t took_ms, now_ms;
	const struct err *why;
};

/* Records a failure. Returns true if the backend was good until now. */
bool breaker_fail(struct breaker *b, struct breaker_seat *seat,
		  const struct breaker_failure *failure) MUST_USE;

/* Records an answer of the server. Returns true if that makes the backend good
 * again, after it was doubtful for *doubt_ms. */
bool breaker_succeed(struct breaker *b, struct breaker_seat *seat,
		     int64_t now_ms, int64_t *doubt_ms) MUST_USE;

/* Distrusts all connections of the epoch of this one. */
void breaker_distrust(struct breaker *b, const struct breaker_seat *seat);

#endif
