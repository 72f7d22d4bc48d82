/* SPDX-License-Identifier: MIT */
/*
 * The inside of the loop: what loop.c and connection.c share.
 *
 * Who owns a connection
 *
 * `ticket` says so: BUSY, a worker has it; EXPIRED, its time is over and it
 * waits for a worker to close it, once what was written in the last moment is
 * answered; else it is armed in epoll, and the ticket is its deadline and kind
 * in one word, so that a compare-and-swap against the word that was read can only
 * expire a connection that is still in that state.
 *
 * A worker stores the ticket and then arms the descriptor, and does not touch
 * the connection after that.  With EPOLLONESHOT one arming gives one event to
 * one worker, whose first act is to swap in BUSY.  So there is never a second
 * event under way: the owner may close and free, and only owners do.  Expiring
 * is compare-and-swap plus shutdown(2), which makes the event that brings a
 * worker.  It is done under loop->lock; closing takes the connection off the
 * list under the same lock first, so the descriptor is never somebody else's.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include "base/log.h"
#include "server/loop.h"

#include <pthread.h>
#include <stdatomic.h>

#include "auth/hash_slots.h"
#include "server/listen.h"

/* What epoll points to: the first member of whatever is watched. */
enum watch_kind { WATCH_QUIT, WATCH_LISTENER, WATCH_CONNECTION };

struct watch {
	enum watch_kind kind;
	int fd;
};

#define TICKET_BUSY    INT64_C(0)
#define TICKET_EXPIRED INT64_C(-1)

/* Of an armed connection; never 0, so that no armed ticket is BUSY. */
enum ticket_kind {
	TICKET_IDLE = 1, /* served before, nothing begun */
	TICKET_READING,	 /* never spoke, half a request, or lingering */
	TICKET_WRITING,	 /* a request waits to be served, or an answer taken */
	TICKET_KINDS
};

enum phase { PHASE_READ, PHASE_SERVE, PHASE_WRITE, PHASE_LINGER };

/* Of a connection whose request waits in the queue of hash slots: the queue
 * owns it.  Who comes second, the worker that leaves it there or who ends the
 * wait, arms it. */
enum parking { PARK_NONE, PARK_LEFT, PARK_WOKEN };

struct connection {
	struct watch watch;
	struct loop *loop;
	_Atomic int64_t ticket;
	struct connection *next, **link; /* the list; loop->lock */
	_Atomic int parking; /* enum parking */

	/* The rest is the owner's. */
	enum phase phase;
	bool registered; /* epoll knows it */
	bool begun;	 /* the deadline is that of a request */
	bool served;
	bool keep; /* after the answer that is being sent */
	bool parked; /* its request is complete, and was handled before */
	struct hash_place place;
	int64_t deadline;
	struct frame frame;
	struct frame_limits limits; /* of the request being read */
	char *in;		    /* NULL while nothing is buffered */
	size_t n, cap;
	char *out; /* what the socket did not take of an answer, or NULL */
	size_t out_n, out_sent;
};

struct worker {
	struct loop *loop;
	pthread_t thread;
	unsigned number;
	struct fcgi *fcgi;
	struct arena *arena;
	atomic_uint turns; /* odd: at work, even: waiting */

	/* The main thread's, in loop_longest_turn(). */
	unsigned seen_turns;
	int64_t seen_ms;
	char apart[64]; /* from the next one's `turns` */
};

struct loop {
	struct loop_config config;
	const struct env *env;
	int epoll;
	struct watch quit; /* an eventfd, readable once workers shall end */
	struct watch listeners[LISTEN_MAX];
	size_t nlisteners;
	struct worker *workers;
	unsigned nworkers; /* those that run */

	atomic_size_t body_limit, connections;
	atomic_bool stopping; /* set under the lock; answers close */
	atomic_uint_fast64_t accepted, requests, malformed, timeouts, full;
	/* Peers cause these events: a line a second at most. */
	struct log_limit accept_log, malformed_log;

	pthread_mutex_t lock; /* for what follows */
	struct connection *first;
	size_t accepting; /* workers between accept4() and the list */
	bool paused;	  /* listeners are out of epoll until the next tick,
			   * or until a connection is closed */
};

int64_t ticket_make(int64_t deadline, enum ticket_kind kind);

/* Owned by the caller, not yet on the list; NULL when out of memory. */
struct connection *connection_new(struct loop *l, int fd) MUST_USE;

/* After an accept, and on each of its events: does what can be done now, then
 * arms or closes it. */
void connection_run(struct worker *w, struct connection *c);

/* Hands the connection over to epoll; it is not the caller's after that. */
void connection_arm(struct connection *c, uint32_t events,
		    enum ticket_kind kind);

/* Leaves it to the queue; it is not the caller's after that
 * (loop_parking.c). */
void connection_park(struct connection *c);
void connection_wake(struct hash_place *place);

/* Closes the descriptor and frees; it is not on the list any more. */
void connection_free(struct connection *c);

/* Takes it off the list, closes, frees.  The caller owns it. */
void loop_drop(struct loop *l, struct connection *c);

/* Under the lock: one connection less, if any can go. */
void loop_make_room(const struct loop *l);

/* Under the lock.  `until` has for each kind of ticket the last deadline that
 * is over.  Who is expired before that deadline has come has sent nothing that
 * is not read yet. */
void loop_expire_due(const struct loop *l, const int64_t until[TICKET_KINDS],
		     int64_t now);

/* A warning of what a peer has caused: one a second for each `limit`, with the
 * number of those that were left out. */
void loop_warn(const struct loop *l, struct log_limit *limit, const char *event,
	       const char *reason);

#endif
