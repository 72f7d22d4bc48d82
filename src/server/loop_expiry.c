/* SPDX-License-Identifier: MIT */
/* Connections whose time is over.  connection.h says why this is safe. */
#include "server/connection.h"

#include <stdatomic.h>
#include <sys/socket.h>

#define LOOKS 8 /* for one that may go */

int64_t
ticket_make(int64_t deadline, enum ticket_kind kind)
{
	return (deadline < 0 ? 0 : deadline) << 2 | (int64_t)kind;
}

static int64_t
ticket_deadline(int64_t ticket)
{
	return ticket >> 2;
}

static enum ticket_kind
ticket_kind(int64_t ticket)
{
	return (enum ticket_kind)(ticket & 3);
}

/*
 * `ticket` is the word that was read.  The shutdown makes the event that brings a
 * worker to close it.  Where reading is what we wait for, it ends just that:
 * what the peer has written by then is read and answered first, and on a unix
 * socket it cannot write any more, so nothing is ever lost between.
 */
static void
expire(struct connection *c, int64_t ticket)
{
	bool writing = ticket_kind(ticket) == TICKET_WRITING;

	if (atomic_compare_exchange_strong(&c->ticket, &ticket,
					   TICKET_EXPIRED))
		(void)shutdown(c->watch.fd, writing ? SHUT_RDWR : SHUT_RD);
}

/* A request that is on its way must not be cut. */
static bool
has_bytes(const struct connection *c)
{
	char byte;

	return recv(c->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* The one of this kind whose deadline is the first after this; of several, the
 * last in the list, where the newest are first. */
static struct connection *
next_due(const struct loop *l, enum ticket_kind kind, int64_t *ticket)
{
	struct connection *next = NULL;
	int64_t least = INT64_MAX;

	for (struct connection *c = l->first; c != NULL; c = c->next) {
		int64_t t = atomic_load(&c->ticket);

		if (t > *ticket && ticket_kind(t) == kind && t <= least) {
			next = c;
			least = t;
		}
	}
	*ticket = least;
	return next;
}

static bool
expire_oldest(const struct loop *l, enum ticket_kind kind)
{
	int64_t ticket = TICKET_BUSY;

	for (int i = 0; i < LOOKS; i++) {
		struct connection *c = next_due(l, kind, &ticket);

		if (c == NULL)
			return false;
		if (!has_bytes(c)) {
			expire(c, ticket);
			return true;
		}
	}
	return false;
}

/* Who keeps us waiting goes before who was served and may ask again. */
void
loop_make_room(const struct loop *l)
{
	if (!expire_oldest(l, TICKET_READING))
		(void)expire_oldest(l, TICKET_IDLE); /* then all are at work */
}

void
loop_expire_due(const struct loop *l, const int64_t until[TICKET_KINDS],
		int64_t now)
{
	for (struct connection *c = l->first; c != NULL; c = c->next) {
		int64_t ticket = atomic_load(&c->ticket);

		if (ticket <= 0 ||
		    ticket_deadline(ticket) > until[ticket_kind(ticket)])
			continue;
		/* Workers that are busy are no fault of the peer. */
		if ((ticket_kind(ticket) == TICKET_IDLE ||
		     ticket_deadline(ticket) > now) &&
		    has_bytes(c))
			continue;
		expire(c, ticket);
	}
}
