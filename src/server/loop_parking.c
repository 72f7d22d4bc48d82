/* SPDX-License-Identifier: MIT */
/* Connections whose request waits for a hash slot without holding a worker. */
#include "server/connection.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/env.h"

/* Gives the request to the pool once more. */
static void
resume(struct connection *c)
{
	struct loop *l = c->loop;

	atomic_store(&c->parking, PARK_NONE);
	c->deadline = env_mono_ms(l->env) + l->config.request_ms;
	pool_push(&l->pool, c);
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
