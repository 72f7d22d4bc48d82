/* SPDX-License-Identifier: MIT */
/* Closing of connections whose deadline has passed. connection.h says why it is
 * safe. */
#include "server/connection.h"

#include <stdatomic.h>
#include <sys/socket.h>

#define PROBES 8 /* at most, for a connection that may be closed */

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
 * Expires `c` if its ticket is still `ticket`, the word that was read. The
 * shutdown causes the event on which its thread closes it. If the connection
 * waits to read, only reading is shut down: what the peer has written until
 * then is read and answered first, and on a unix socket the peer cannot write
 * any more, so no request is lost.
 */
static void
expire(struct connection *c, int64_t ticket)
{
	bool writing = ticket_kind(ticket) == TICKET_WRITING;

	if (atomic_compare_exchange_strong(&c->ticket, &ticket, TICKET_EXPIRED))
		(void)shutdown(c->watch.fd, writing ? SHUT_RDWR : SHUT_RD);
}

/* True when bytes have arrived: a request that is under way must not be cut
 * off. */
static bool
has_bytes(const struct connection *c)
{
	char byte;

	return recv(c->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Returns the connection of this kind whose deadline is the next after *ticket.
 * Of several, it is the last in the list, where the newest are first. */
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

	for (int i = 0; i < PROBES; i++) {
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

/* A connection that has not sent a request yet is closed before one that was
 * served and may send another. */
void
loop_make_room(const struct loop *l)
{
	if (!expire_oldest(l, TICKET_READING))
		/* If there is none either, all have complete requests. */
		(void)expire_oldest(l, TICKET_IDLE);
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
		/* If its thread is too busy to read, that is not the peer's
		 * fault. */
		if ((ticket_kind(ticket) == TICKET_IDLE ||
		     ticket_deadline(ticket) > now) &&
		    has_bytes(c))
			continue;
		expire(c, ticket);
	}
}
