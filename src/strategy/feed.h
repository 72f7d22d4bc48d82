/* SPDX-License-Identifier: MIT */
/*
 * The change feed of a store, for implementers. A feed reports what other
 * processes change, so that a check that was answered before need not ask the
 * store again. One thread of a process has one feed (server/feed.h).
 *
 * Reports   the end of a session, by whatever means: an operation of
 *           session_store.h of any process, SQL or a Redis command of an
 *           administrator, the expiry of a key; a change of its identity or of
 *           its mark; a denial. The creation of a session, and its new times
 *           after a touch, need no report. A feed may report more than
 *           necessary, but should not report every touch: a session in use is
 *           touched once a minute, and each report makes every process read it
 *           again. A feed reports CHANGE_ALL if it cannot tell what has
 *           changed: everything was deleted, a table was truncated, the file
 *           was replaced, changes were missed.
 * Proof     the caller believes what it has verified only as long as the feed
 *           is proven to be alive: prove() makes a round trip on the very
 *           connection that carries the changes, after which all changes from
 *           before are reported. It fails if the changes would not arrive any
 *           more, whatever the reason: another server is the master now, a
 *           trigger is missing, the file of the database is another one.
 * Threads   a feed belongs to one thread. open() is called with the opened
 *           backend, which other threads use meanwhile. It makes connections
 *           of its own.
 * Failure   -1 with ERR_UNAVAILABLE: the caller closes the feed and opens a new
 *           one later. ERR_CONFIG from open(): this store has no feed as it is
 *           set up, for the reason in *err; the caller tries again, but seldom.
 *           After -1 from wait() or prove() only close() may be called.
 */
#ifndef STRATEGY_FEED_H
#define STRATEGY_FEED_H

#include "strategy/change.h"

struct feed_conf {
	const struct change_sink *sink; /* valid until close() has returned */
	/* The longest time of one round trip, and of all of open(). */
	int64_t timeout_ms;
	/* wait() returns when this descriptor is readable; it does not read
	 * from it. */
	int wake;
	/* [cache] feed_conninfo, for postgres; NULL: none. */
	const char *conninfo;
};

struct feed_ops {
	/* Begins to report: every change that is committed after open() has
	 * returned 0 is reported by a later call of wait() or prove(). */
	int (*open)(void *backend, const struct feed_conf *conf, void **feed,
		    struct err *err);
	void (*close)(void *feed);

	/* Waits until changes arrive, for at most `ms` milliseconds, and
	 * reports them. Returns 0 also if none has arrived. */
	int (*wait)(void *feed, int64_t ms, struct err *err);

	/* Returns 0 if the feed is alive. All changes that were committed
	 * before the call have been reported by then. */
	int (*prove)(void *feed, struct err *err);

	/*
	 * Returns whether the last answer of find() or denied() on this
	 * connection of the store came from another server than that of the
	 * feed, which then does not report what is done there. The thread of
	 * the connection calls it right after the operation. NULL: there is
	 * no other server.
	 */
	bool (*is_elsewhere)(void *conn);
};

#endif
