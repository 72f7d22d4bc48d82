/* SPDX-License-Identifier: MIT */
/*
 * Watches the keys of a Redis server, of the present master behind Sentinel, or
 * of all masters of a cluster: each change of a watched key by any client is
 * reported, and so are its expiry, its eviction and FLUSHDB.
 *
 * To each master there are two connections. The first one has switched on
 * CLIENT TRACKING in broadcasting mode and has subscribed to the channel of its
 * messages. Both are on the same connection, so that its loss cannot remain
 * unseen. The second one asks whether the server is still a master.
 *
 * After a failure with Sentinel or in a cluster, the workers' connections to
 * this server ask again which servers are the masters, before they are used.
 *
 * A watch belongs to one thread. After a failure only redis_watch_close() may
 * be called.
 */
#ifndef BACKENDS_REDIS_CLIENT_WATCH_H
#define BACKENDS_REDIS_CLIENT_WATCH_H

#include "backends/redis/client/conn.h"

#define REDIS_WATCH_STARTS 4

struct redis_watch_conf {
	/* Keys that begin with the prefix and one of these texts are watched.
	 * The server compares each changed key with each text. */
	const char *starts[REDIS_WATCH_STARTS]; /* the rest is NULL */

	/* Called for each changed key; NULL: all keys may have changed. The key
	 * includes the prefix, and is borrowed for the call. */
	void (*changed)(void *ctx, const struct str *key);
	void *ctx;

	int wake; /* redis_watch_wait() returns when it is readable */
	int64_t timeout_ms; /* of open and of prove */
};

struct redis_watch;

/* `server` is from redis_open(); other threads may use it. Changes after the
 * return are reported. Fails with ERR_CONFIG if a server does not support or
 * permit it. */
int redis_watch_open(void *server, const struct redis_watch_conf *conf,
		     struct redis_watch **out, struct err *err) MUST_USE;
void redis_watch_close(struct redis_watch *w); /* NULL is allowed */

/* Waits until something is reported, for at most `ms`. */
int redis_watch_wait(struct redis_watch *w, int64_t ms,
		     struct err *err) MUST_USE;

/* Succeeds if all changes from before the call have been reported, and these
 * servers are still all masters. */
int redis_watch_prove(struct redis_watch *w, struct err *err) MUST_USE;

#endif
