/* SPDX-License-Identifier: MIT */
/* Connections whose request waits for a hash slot without holding a worker. */
#include "server/connection.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "base/env.h"

/* The request is already read: the event that the socket is writable brings a
 * worker. */
static void
resume(struct connection *c)
{
	const struct loop *l = c->loop;

	atomic_store(&c->parking, PARK_NONE);
	c->phase = PHASE_SERVE;
	c->deadline = env_mono_ms(l->env) + l->config.request_ms;
	connection_arm(c, EPOLLOUT, TICKET_WRITING);
}

void
connection_park(struct connection *c)
{
	if (atomic_exchange(&c->parking, PARK_LEFT) == PARK_WOKEN)
		resume(c);
}

void
connection_wake(struct hash_place *place)
{
	struct connection *c =
	    (void *)((char *)place - offsetof(struct connection, place));

	if (atomic_exchange(&c->parking, PARK_WOKEN) == PARK_LEFT)
		resume(c);
}
