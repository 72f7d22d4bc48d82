/* SPDX-License-Identifier: MIT */
/*
 * Loop threads, as many as the CPUs that the process may use, and a pool of
 * workers. A loop thread accepts, reads, and answers what it can answer without
 * waiting; it never blocks. A request for which a thread may have to wait goes
 * with its connection to the pool, where a worker handles and answers it.
 * Neither kind of thread is ever held by a peer that is idle, slow or hostile.
 *
 * Deadlines: a request must be complete `request_ms` after its first byte, and
 * its answer must be taken `write_ms` after it was ready. A request that waits
 * for a worker for longer than `request_ms` is not answered: its connection is
 * closed. A connection between two requests is closed after `idle_ms`, one that
 * has sent no request after `request_ms`. When descriptors run out, connections
 * without a complete request are closed first, then those that are idle.
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
	unsigned threads; /* workers of the pool */
	unsigned loops; /* loop threads; 0: as many as usable CPUs */
	struct frame_limits frame;
	int64_t request_ms, write_ms, idle_ms;

	/*
	 * Called with one decoded request by a loop thread, which must not
	 * wait. Returns true if the request is answered, as handle() would
	 * answer it. Returns false, and appends nothing to `out`, if an answer
	 * may take longer: then handle() is called. NULL: handle() answers
	 * everything.
	 */
	bool (*try)(void *ctx, struct arena *a, const struct message *in,
		    struct buf *out);

	/*
	 * Called by worker number `worker` with one decoded request. Appends
	 * the answer in CGI form to `out`, in memory of `a`, which lives until
	 * the answer is framed. Never fails: a request that cannot be handled
	 * is answered with 500 or 503. If `out` has failed or is empty, the
	 * connection is closed without an answer (which no web server takes for
	 * "allowed").
	 */
	bool (*handle)(void *ctx, unsigned worker, struct arena *a,
		       const struct message *in, struct buf *out);
	void *ctx;

	/*
	 * The queue in which a request waits for which handle() returned true:
	 * it cannot be handled now, and handle() is called again with the same
	 * message when its place in the queue is woken. After loop_stop() was
	 * called, only handle() and the caller of loop_stop() may wake a place.
	 * NULL: handle() never returns true.
	 */
	struct hash_slots *slots;
};

/* Starts the threads. `listeners` must outlive the loop. */
int loop_start(const struct loop_config *config,
	       const struct listeners *listeners, const struct env *env,
	       struct loop **out, struct err *err) MUST_USE;

/* Changes the limit of request bodies, for example at a reload; requests that
 * begin later see it. */
void loop_set_body_limit(struct loop *l, size_t bytes);

/*
 * Handles deadlines and full descriptor tables. The main thread calls it about
 * every 100 ms.
 */
void loop_tick(struct loop *l);

/*
 * Returns for how many milliseconds the thread that has been busy longest has
 * worked on the same request or events, as far as earlier calls saw it; a
 * thread that waits for work counts as 0. Called by the main thread only.
 */
int64_t loop_longest_task(struct loop *l) MUST_USE;

/*
 * Drains the loop: accepts no more, closes idle connections, lets requests that
 * have begun end (a connection that has sent nothing gets `grace_ms`), and
 * closes connections after their answers. Returns when no connection is left,
 * at the latest after `limit_ms`; the threads have then ended and `l` is freed.
 */
void loop_stop(struct loop *l, int64_t grace_ms, int64_t limit_ms);

struct loop_counts {
	uint64_t accepted, requests, malformed, timeouts;
	uint64_t full; /* accepts that failed for want of descriptors */
	size_t connections;
	unsigned workers;
	uint64_t busy_ms; /* how long they were busy, together */
};

/* Returns the counters. May be called by any thread. */
void loop_count(const struct loop *l, struct loop_counts *out);

#endif
