/* SPDX-License-Identifier: MIT */
/*
 * Worker threads around one epoll instance.  A connection is EPOLLONESHOT:
 * whoever gets it owns it until it is armed again, so a worker is held only
 * while a complete request is handled, never by a peer that is idle, slow or
 * hostile.
 *
 * Deadlines: a request must be complete `request_ms` after its first byte and
 * its answer taken `write_ms` after it was ready; a connection between
 * requests is closed after `idle_ms`, one without any after `request_ms`.  When
 * descriptors run out, those that have not asked yet make room, then those that
 * are idle.
 */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include "base/base.h"
#include "http/message.h"
#include "server/frame.h"

struct arena;
struct buf;
struct env;
struct err;
struct hash_slots;
struct listeners;
struct loop;

struct loop_config {
	unsigned threads;
	struct frame_limits frame;
	int64_t request_ms, write_ms, idle_ms;

	/*
	 * Called by worker number `worker` with one decoded request; appends
	 * the answer in CGI form to `out`, in memory of `a`, which lives until
	 * the answer is framed.  Never fails: what cannot be answered is
	 * answered 500 or 503.  When `out` has failed or is empty, the
	 * connection is closed without an answer (which no web server takes
	 * for a yes).
	 */
	bool (*handle)(void *ctx, unsigned worker, struct arena *a,
		       const struct message *in, struct buf *out);
	void *ctx;

	/* Where requests wait that handle() answers with true: not now, call
	 * again with the same once the place of the message is woken.  NULL:
	 * none does. */
	struct hash_slots *slots;
};

/* `listeners` must outlive the loop. */
int loop_start(const struct loop_config *config,
	       const struct listeners *listeners, const struct env *env,
	       struct loop **out, struct err *err) MUST_USE;

/* The body limit may change at a reload; new requests see it. */
void loop_set_body_limit(struct loop *l, size_t bytes);

/*
 * Deadlines and full descriptor tables are looked at here: the main thread
 * calls it about every 100 ms.
 */
void loop_tick(struct loop *l);

/*
 * For how long the worker that is longest at one thing has been at it, as far
 * as calls of this saw; one that waits for work is at nothing.  The main
 * thread's.
 */
int64_t loop_longest_turn(struct loop *l) MUST_USE;

/*
 * Drains: accepts no more, closes idle kept connections, lets what has begun
 * end (a connection that never spoke gets `grace_ms`), answers with
 * connections closed.  Returns when no connection is left, after `limit_ms`
 * at the latest; then the workers have ended and `l` is freed.
 */
void loop_stop(struct loop *l, int64_t grace_ms, int64_t limit_ms);

struct loop_counts {
	uint64_t accepted, requests, malformed, timeouts;
	uint64_t full; /* accepts refused: no descriptors left */
	size_t connections;
};

/* Any thread. */
void loop_count(const struct loop *l, struct loop_counts *out);

#endif
