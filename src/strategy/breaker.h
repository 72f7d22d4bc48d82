/* SPDX-License-Identifier: MIT */
/*
 * A circuit breaker: threads tell each other what they find out of a backend,
 * so that a server that hangs holds one of them at a time and not all, and so
 * that all go on together when it is back:
 *
 *   good      all may connect.  An operation that fails by ERR_UNAVAILABLE, or
 *             a failure to connect, ends this.
 *   doubtful  one connection at a time may be tried, a new one; the others fail
 *             at once.  After the first such failure the wait before the next
 *             is 50 ms, doubled up to 500 ms.  An operation that the server
 *             answers, whatever it says, makes it good again.
 *
 * A connection in use is not hurt by a failure to connect.  When an operation
 * fails, all connections are dropped before they are used again, but for those
 * that were used meanwhile and answered: after a restart each of them would
 * fail once more, and each would wait for a server that hangs.
 */
#ifndef STRATEGY_BREAKER_H
#define STRATEGY_BREAKER_H

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>

/* A failure, or an operation, that took less does not speak of the server. */
#define BREAKER_SLOW_MS 50

/* Shared by threads. */
struct breaker {
	/* Grows when an operation fails: connections of before are doubtful.
	 * Written under the lock. */
	atomic_uint epoch;
	pthread_mutex_t lock; /* guards the rest; not held across I/O */
	bool doubtful, probing;
	int64_t wait_ms; /* 0: nobody has tried yet since it was good */
	int64_t retry_at_ms; /* no attempt before */
	int64_t since_ms; /* of the doubt */
	struct err why;
};

/* What one connection, which is one thread's, has of it. */
struct breaker_seat {
	unsigned epoch; /* when the connection was last known to work */
	bool probing; /* the others wait for what comes of it */
};

void breaker_init(struct breaker *b);
void breaker_destroy(struct breaker *b);

/* Nobody has seen a failure since the connection answered. */
bool breaker_trusts(const struct breaker *b, const struct breaker_seat *seat);

/* May a connection be made now?  Else ERR_UNAVAILABLE with what was wrong. */
int breaker_enter(struct breaker *b, struct breaker_seat *seat, int64_t now_ms,
		  struct err *err) MUST_USE;

struct breaker_failure {
	bool connected; /* an operation failed; else it could not connect */
	int64_t took_ms, now_ms;
	const struct err *why;
};

/* True when it was good until now. */
bool breaker_fail(struct breaker *b, struct breaker_seat *seat,
		  const struct breaker_failure *failure) MUST_USE;

/* The server has answered.  True when that ends the doubt, which was for
 * *doubt_ms. */
bool breaker_succeed(struct breaker *b, struct breaker_seat *seat,
		     int64_t now_ms, int64_t *doubt_ms) MUST_USE;

/* Connections that last answered when this one did are not trusted any more. */
void breaker_distrust(struct breaker *b, const struct breaker_seat *seat);

#endif
