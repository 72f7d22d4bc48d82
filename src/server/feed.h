/* SPDX-License-Identifier: MIT */
/*
 * The thread that follows the change feed of the store (strategy/feed.h). It
 * applies what the feed reports to the cache, and tells the cache whether its
 * entries may be believed. It logs when the feed is lost, and when it is back.
 *
 * The thread makes a proof every `cache.heartbeat`. Each proof holds for twice
 * this time from its beginning. After an error, all entries are dropped, and
 * every check asks the store until a new feed is open and proven.
 */
#ifndef SERVER_FEED_H
#define SERVER_FEED_H

#include "server/snapshot.h"

struct feed_thread;

/* Starts the thread; shared->cache must not be NULL. `slot` and `shared` must
 * outlive it. */
int feed_start(struct snapshot_slot *slot, const struct service_shared *shared,
	       struct feed_thread **out, struct err *err) MUST_USE;

/* Makes the thread follow the current snapshot, after another one was
 * published. NULL is allowed. */
void feed_reload(struct feed_thread *f);

void feed_stop(struct feed_thread *f); /* NULL is allowed */

#endif
