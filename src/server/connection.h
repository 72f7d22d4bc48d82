/* SPDX-License-Identifier: MIT */
/*
 * The inside of the loop: what the files loop*.c and connection*.c share.
 *
 * Who owns a connection
 *
 * A connection belongs to one loop thread, `c->thread`, from its accept to its
 * end: its descriptor is only ever in the epoll of that thread. While its
 * request is with the pool (in the queue, with a worker, or in the queue of
 * hash slots), the pool owns it. `ticket` says who, in one word:
 *
 * - BUSY: a thread owns the connection: its loop thread works on it or has it
 *   in the list `again`, or the thread that accepted it still prepares it.
 * - A deadline and its kind: it waits in epoll for an event. Its loop thread
 *   owns it, and begins by swapping in BUSY.
 * - EXPIRED: its deadline has passed, and it waits for its loop thread to close
 *   it, after bytes that arrived at the last moment are answered.
 * - POOL: the pool owns it, and its descriptor is still in epoll. The loop
 *   thread does not touch it, except as follows.
 * - ALONE: the pool owns it, and its descriptor is in no epoll.
 *
 * Who wants to end one of these states and is not its owner does so by a
 * compare-and-swap against the word that was read:
 *
 * - The main thread expires a connection that waits in epoll: it swaps in
 *   EXPIRED and calls shutdown(2), which causes the event that brings the loop
 *   thread. This happens under loop->lock. Closing first takes the connection
 *   off the list under the same lock, so the descriptor never belongs to
 *   another connection by then.
 * - The loop thread gets an event of a connection in POOL, because the peer
 *   sends more or disconnects. It takes the descriptor out of epoll, so that
 *   the event is not reported again and again, and then swaps in ALONE.
 * - A worker that has answered the request of a kept connection swaps the
 *   deadline of the next request in for POOL. This is all: the descriptor is in
 *   epoll already. If that fails, the connection is ALONE.
 *
 * The owner of a connection that is ALONE may do anything with it: nobody else
 * refers to it, so it may be closed, or armed in the epoll of its loop thread.
 * In POOL the loop thread may have an event at hand, or get one at any moment.
 * A worker that cannot end the state by the third rule therefore posts the
 * connection to its loop thread, and says in `c->todo` what is to be done.
 *
 * A loop thread gets events in batches, with at most one event of a connection
 * in each. It handles what was posted, and what is in `again`, after a batch:
 * a connection that is closed there has no event left in the batch.
 *
 * A connection that waits in the queue of the pool for too long is taken out of
 * it by the main thread, which then owns it as a worker would.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include "base/log.h"
#include "server/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "auth/hash_slots.h"
#include "server/listen.h"

/* The kind of a watched descriptor. epoll points to a struct watch, which is
 * the first member of the structure that it belongs to. */
enum watch_kind { WATCH_WAKE, WATCH_LISTENER, WATCH_CONNECTION };

struct watch {
	enum watch_kind kind;
	int fd;
};

#define TICKET_BUSY    INT64_C(0)
#define TICKET_EXPIRED INT64_C(-1)
#define TICKET_POOL    INT64_C(-2)
#define TICKET_ALONE   INT64_C(-3)

/* The kind of an armed connection; never 0, so that an armed ticket is
 * positive. */
enum ticket_kind {
	TICKET_IDLE = 1, /* served before, no further request begun */
	TICKET_READING, /* nothing received yet, half a request, or lingering */
	TICKET_WRITING, /* waits for the peer to take an answer */
	TICKET_KINDS
};

enum phase { PHASE_READ, PHASE_WRITE, PHASE_LINGER };

/* Of a connection whose request waits in the queue of hash slots; the queue
 * owns it. Two threads reach it: the worker that leaves it there, and the
 * thread that ends the wait. The second of them gives it to the pool. */
enum parking { PARK_NONE, PARK_LEFT, PARK_WOKEN };

/* What happens to a connection after a step. */
enum connection_next {
	NEXT_READ, /* wait for the peer to send something */
	NEXT_SERVE, /* more requests have been read */
	NEXT_POOL, /* handling the request may block */
	NEXT_PARK, /* wait in the queue of hash slots */
	NEXT_WRITE, /* wait for the peer to take the rest of an answer */
	NEXT_LINGER, /* close after the peer has closed, or a short time */
	NEXT_CLOSE
};

struct connection {
	struct watch watch;
	struct loop *loop;
	struct loop_thread *thread;
	_Atomic int64_t ticket;
	struct connection *next, **link; /* the list; guarded by loop->lock */
	/* In the queue of the pool, or posted, or in `again`. */
	struct connection *queued;
	_Atomic int parking; /* of enum parking */

	/* Only the loop thread uses it, or the owner of a connection that is
	 * ALONE or new: the events that epoll watches; 0: none. */
	uint32_t events;

	/* Only the owner uses the rest. */
	enum phase phase;
	enum connection_next todo; /* of a connection that was posted */
	bool begun; /* the deadline is that of a request */
	bool served;
	bool keep; /* keep the connection after the answer that is being sent */
	struct hash_place place;
	int64_t deadline;
	struct frame frame;
	struct frame_limits limits; /* of the request that is being read */
	/* What was received. Between two steps it is NULL, or belongs to the
	 * connection; in a step of the loop thread it may be its buffer. */
	char *in;
	size_t n, cap;
	/* the rest of an answer that the socket did not take, or NULL */
	char *out;
	size_t out_n, out_sent;
};

/* Connections in order of arrival. */
struct connection_queue {
	struct connection *first, **last;
};

/* What a loop thread and a worker have in common. */
struct server_thread {
	struct loop *loop;
	pthread_t thread;
	struct fcgi *fcgi;
	struct arena *arena;
	/* Written by this thread only. */
	atomic_uint steps; /* odd: working, even: waiting */
	atomic_uint_fast64_t requests, malformed, timeouts;

	/* Used by the main thread only, in loop_longest_task(). */
	unsigned seen_steps;
	int64_t seen_ms;
	char apart[64]; /* keeps what two threads write in two cache lines */
};

struct loop_thread {
	struct server_thread base; /* the first member */
	int epoll;
	struct watch wake; /* an eventfd: something was posted, or the end */
	atomic_size_t connections; /* that belong to this thread */
	int64_t now_ms; /* the time at which the batch began */
	struct connection_queue again; /* have more requests to serve */
	char *buffer; /* for one read; wiped after each */

	pthread_mutex_t lock; /* guards what follows */
	struct connection_queue posted;
};

struct worker {
	struct server_thread base; /* the first member */
	unsigned number;
	_Atomic uint64_t busy_ms; /* written by the worker only */
	sem_t wake;
	struct worker *next_idle; /* guarded by pool->lock */
};

struct pool {
	pthread_mutex_t lock; /* guards what follows */
	struct connection_queue queue;
	struct worker *idle; /* the one that worked last is first */
	bool waking; /* one was woken, and has not begun */
	bool ended;
};

struct loop {
	struct loop_config config;
	const struct env *env;
	struct loop_thread *threads;
	unsigned nthreads;
	struct worker *workers;
	unsigned nstarted, nworking; /* the threads of both kinds that run */
	struct pool pool;
	struct watch listeners[LISTEN_MAX];
	size_t nlisteners;

	atomic_size_t body_limit, connections;
	/* set under the lock; answers then close the connection */
	atomic_bool stopping;
	atomic_bool ended; /* the loop threads must end */
	atomic_uint_fast64_t accepted, full;
	atomic_uint_fast64_t timeouts; /* counted by the main thread */
	/* Peers can cause these events: at most one line a second is logged. */
	struct log_limit accept_log, malformed_log;

	pthread_mutex_t lock; /* guards what follows */
	struct connection *first;
	size_t accepting; /* threads between accept4() and the list */
	/* the listeners are out of epoll until the next tick, or until a
	 * connection is closed */
	bool paused;
};

/* The size of the buffer of a loop thread. */
#define READ_BUFFER ((size_t)16 * 1024)

/* ---- connection.c ---- */

/* Returns a connection that the caller owns and that is not yet on the list;
 * NULL when out of memory. */
struct connection *connection_new(struct loop *l, int fd) MUST_USE;

/* Does what can be done now, without waiting: called by the loop thread on an
 * event (`expired`: the ticket was EXPIRED), or for a request that was read. */
enum connection_next connection_step(struct loop_thread *t,
				     struct connection *c, bool expired);
enum connection_next connection_serve(struct loop_thread *t,
				      struct connection *c);

/* Handles and answers one request, as a worker does. */
enum connection_next connection_handle(struct worker *w, struct connection *c);

/* Wipes and frees a buffer: passwords come in here and tokens go out. */
void connection_discard(char **p, size_t n);

/* Closes the descriptor and frees; the connection must be off the list. */
void connection_free(struct connection *c);

/* ---- connection_wait.c ---- */

/* Does what comes next. The caller does not own the connection after that. */
void connection_go_on(struct loop_thread *t, struct connection *c,
		      enum connection_next next);

/* The same after a step of a worker, or by another owner in the pool. */
void connection_hand_back(struct connection *c, enum connection_next next,
			  int64_t now_ms);

/* Hands a new connection over to its loop thread; the caller is another one. */
void connection_assign(struct connection *c, int64_t now_ms);

/* Takes the descriptor out of epoll. */
void connection_unwatch(struct connection *c);

/* ---- loop_pool.c ---- */

void queue_clear(struct connection_queue *q);
void queue_append(struct connection_queue *q, struct connection *c);

int pool_init(struct loop *l);
/* Ends the workers that run, and waits for them. */
void pool_end(struct loop *l);
void pool_destroy(struct loop *l);

/* Starts a worker; returns an error number, or 0. */
int pool_start_worker(struct worker *w);

/* Appends the connection to the queue, which owns it from then on. */
void pool_push(struct pool *p, struct connection *c);

/* Closes the connections that have waited for too long in the queue. */
void pool_expire(struct loop *l, int64_t now_ms);

/* ---- loop_parking.c ---- */

/* Leaves the connection to the queue of hash slots; the caller does not own it
 * after that. */
void connection_park(struct connection *c);
void connection_wake(struct hash_place *place);

/* ---- loop_thread.c ---- */

int loop_thread_init(struct loop *l, struct loop_thread *t);
void loop_thread_destroy(struct loop_thread *t);
void *loop_thread_run(void *arg);

/* Makes the thread take what was posted, or end. */
void loop_thread_wake(struct loop_thread *t);

/* Posts a connection in the pool to its loop thread; see c->todo. */
void loop_thread_post(struct connection *c, enum connection_next todo);

/* ---- loop.c ---- */

int thread_init(struct loop *l, struct server_thread *t);
void thread_destroy(struct server_thread *t);

/* Marks the beginning or the end of work; see `steps`. */
void thread_step(struct server_thread *t);

/* Adds one to a counter that no other thread writes. */
void thread_count(atomic_uint_fast64_t *n);

/* Puts an accepted connection on the list, or takes it off, closes and frees
 * it. The caller owns it. loop_add() is called under the lock. */
void loop_add(struct loop *l, struct connection *c);
void loop_drop(struct loop *l, struct connection *c);

/* Takes the listeners out of epoll, or puts them back. Called under the
 * lock. */
void loop_watch_listeners(struct loop *l, bool on);

/* Logs a warning about an event that a peer has caused: at most one a second
 * for each `limit`, with the number of those that were left out. */
void loop_warn(const struct loop *l, struct log_limit *limit, const char *event,
	       const char *reason);

/* ---- loop_expiry.c ---- */

/* Returns the ticket of a connection that waits in epoll until the deadline. */
int64_t ticket_make(int64_t deadline, enum ticket_kind kind);

/* Expires one connection to free a descriptor, if one can be expired. Called
 * under the lock. */
void loop_make_room(const struct loop *l);

/*
 * Expires connections that are overdue; called under the lock. `until` has for
 * each kind of ticket the last deadline that counts as over. A connection that
 * is idle, or whose deadline is after `now`, is expired only if it has no
 * unread bytes.
 */
void loop_expire_due(const struct loop *l, const int64_t until[TICKET_KINDS],
		     int64_t now);

#endif
