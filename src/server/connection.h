/* SPDX-License-Identifier: MIT */
/*
 * The inside of the loop: what the files loop*.c and connection*.c share.
 *
 * Who owns a connection
 *
 * `ticket` says who: BUSY: a worker owns it. EXPIRED: its deadline has passed,
 * and it waits for a worker to close it, after bytes that arrived at the last
 * moment are answered. Otherwise it is armed in epoll, and the ticket holds its
 * deadline and its kind in one word. A compare-and-swap against the word that
 * was read can therefore expire a connection only if it is still in that state.
 *
 * A worker stores the ticket, then arms the descriptor, and does not touch the
 * connection after that. With EPOLLONESHOT, arming once gives one event to one
 * worker, which first swaps in BUSY. So there is never a second event under
 * way: the owner may close and free the connection, and only owners do.
 * Expiring a connection is a compare-and-swap and a shutdown(2), which causes
 * the event that brings a worker. It happens under loop->lock; closing first
 * takes the connection off the list under the same lock, so the descriptor
 * never belongs to another connection by then.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include "base/log.h"
#include "server/loop.h"

#include <pthread.h>
#include <stdatomic.h>

#include "auth/hash_slots.h"
#include "server/listen.h"

/* The kind of a watched descriptor. epoll points to a struct watch, which is
 * the first member of the structure that it belongs to. */
enum watch_kind { WATCH_QUIT, WATCH_LISTENER, WATCH_CONNECTION };

struct watch {
	enum watch_kind kind;
	int fd;
};

#define TICKET_BUSY    INT64_C(0)
#define TICKET_EXPIRED INT64_C(-1)

/* The kind of an armed connection; never 0, so that no armed ticket is BUSY. */
enum ticket_kind {
	TICKET_IDLE = 1, /* served before, no further request begun */
	TICKET_READING, /* nothing received yet, half a request, or lingering */
	/* waits to be served, or for the peer to take an answer */
	TICKET_WRITING,
	TICKET_KINDS
};

enum phase { PHASE_READ, PHASE_SERVE, PHASE_WRITE, PHASE_LINGER };

/* Of a connection whose request waits in the queue of hash slots; the queue
 * owns it. Two threads reach it: the worker that leaves it there, and the
 * thread that ends the wait. The second of them arms it. */
enum parking { PARK_NONE, PARK_LEFT, PARK_WOKEN };

struct connection {
	struct watch watch;
	struct loop *loop;
	_Atomic int64_t ticket;
	struct connection *next, **link; /* the list; guarded by loop->lock */
	_Atomic int parking; /* of enum parking */

	/* Only the owner uses the rest. */
	enum phase phase;
	bool registered; /* it was added to epoll */
	bool begun; /* the deadline is that of a request */
	bool served;
	bool keep; /* keep the connection after the answer that is being sent */
	bool parked; /* its request is complete, and was handled before */
	struct hash_place place;
	int64_t deadline;
	struct frame frame;
	struct frame_limits limits; /* of the request that is being read */
	char *in; /* NULL while nothing is buffered */
	size_t n, cap;
	/* the rest of an answer that the socket did not take, or NULL */
	char *out;
	size_t out_n, out_sent;
};

struct worker {
	struct loop *loop;
	pthread_t thread;
	unsigned number;
	struct fcgi *fcgi;
	struct arena *arena;
	atomic_uint steps; /* odd: working, even: waiting */

	/* Used by the main thread only, in loop_longest_task(). */
	unsigned seen_steps;
	int64_t seen_ms;
	char apart[64]; /* keeps `steps` of two workers in two cache lines */
};

struct loop {
	struct loop_config config;
	const struct env *env;
	int epoll;
	struct watch quit; /* an eventfd; readable when the workers must end */
	struct watch listeners[LISTEN_MAX];
	size_t nlisteners;
	struct worker *workers;
	unsigned nworkers; /* the number of workers that run */

	atomic_size_t body_limit, connections;
	/* set under the lock; answers then close the connection */
	atomic_bool stopping;
	atomic_uint_fast64_t accepted, requests, malformed, timeouts, full;
	/* Peers can cause these events: at most one line a second is logged. */
	struct log_limit accept_log, malformed_log;

	pthread_mutex_t lock; /* guards what follows */
	struct connection *first;
	size_t accepting; /* workers between accept4() and the list */
	/* the listeners are out of epoll until the next tick, or until a
	 * connection is closed */
	bool paused;
};

int64_t ticket_make(int64_t deadline, enum ticket_kind kind);

/* Returns a connection that the caller owns and that is not yet on the list;
 * NULL when out of memory. */
struct connection *connection_new(struct loop *l, int fd) MUST_USE;

/* Called after an accept and on each event: does what can be done now, then
 * arms or closes the connection. */
void connection_run(struct worker *w, struct connection *c);

/* What a worker does with a connection after a step. */
enum connection_next {
	NEXT_READ,
	NEXT_SERVE,
	NEXT_PARK,
	NEXT_WRITE,
	NEXT_LINGER,
	NEXT_CLOSE
};

/* Does that: enters the phase and arms the connection, parks it, or closes it.
 * The caller does not own it after that (connection_wait.c). */
void connection_go_on(struct worker *w, struct connection *c,
		      enum connection_next next);

/* Hands the connection over to epoll; the caller does not own it after that. */
void connection_arm(struct connection *c, uint32_t events,
		    enum ticket_kind kind);

/* Leaves the connection to the queue; the caller does not own it after that
 * (loop_parking.c). */
void connection_park(struct connection *c);
void connection_wake(struct hash_place *place);

/* Wipes and frees a buffer: passwords come in here and tokens go out. */
void connection_discard(char **p, size_t n);

/* Closes the descriptor and frees; the connection must be off the list. */
void connection_free(struct connection *c);

/* Takes the connection off the list, closes and frees it. The caller owns
 * it. */
void loop_drop(struct loop *l, struct connection *c);

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

/* Logs a warning about an event that a peer has caused: at most one a second
 * for each `limit`, with the number of those that were left out. */
void loop_warn(const struct loop *l, struct log_limit *limit, const char *event,
	       const char *reason);

#endif
