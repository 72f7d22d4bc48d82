/* SPDX-License-Identifier: MIT */
/*
 * Whether the change feed is where a statement is executed. One name may lead
 * to several servers: a name of DNS, a proxy, a list of hosts, or a failover
 * which a connection to the former primary survives. The feed is alive then,
 * but does not report what is done on another server.
 *
 * The connection of the feed holds an advisory lock, whose key is a random
 * number. Such a lock exists in the memory of one server, for one database, as
 * long as the connection. Each statement of a check tries to take it. If that
 * fails, the feed is on the same server, since before the key was known.
 */
#include "backends/postgres/conn_internal.h"
#include "backends/postgres/store_internal.h"

#include "base/log.h"

int
postgres_feed_lock(struct postgres_conn *feed, int64_t *key, struct err *err)
{
	struct postgres_numbers r;
	int64_t random = 0;

	if (env_random(feed->server->env, &random, sizeof(random)) != 0)
		return err_norandom(err);
	random |= 1; /* 0 means that there is none */
	if (postgres_numbers(feed, "SELECT pg_catalog.pg_try_advisory_lock($1)",
			     PG_ARGS(PG_INT(random)), &r, err) != 0)
		return -1;
	if (!r.row || r.v[0] == 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "the lock of the change feed is not granted");
	atomic_store(&feed->server->feed_key, random);
	*key = random;
	return 0;
}

void
postgres_feed_unlock(const struct postgres_conn *feed, int64_t key)
{
	/* A later feed may have taken its place. */
	(void)atomic_compare_exchange_strong(&feed->server->feed_key, &key, 0);
}

int64_t
postgres_feed_key(void *conn)
{
	struct postgres_conn *pg = conn;

	pg->elsewhere = false;
	return atomic_load(&pg->server->feed_key);
}

void
postgres_feed_missed(void *conn, int64_t key)
{
	struct postgres_conn *pg = conn;
	struct postgres_server *s = pg->server;

	pg->elsewhere = true;
	if (atomic_exchange(&s->missed_key, key) != key)
		LOG(s->env->log, LOG_WARNING, "feed_elsewhere",
		    F_CSTR("reason",
			   "the connections of the store and that of the"
			   " change feed are to different servers"),
		    F_CSTR("effect", "every check asks the store"));
}

bool
postgres_feed_is_elsewhere(void *conn)
{
	return ((const struct postgres_conn *)conn)->elsewhere;
}

bool
postgres_feed_has_moved(const struct postgres_conn *pg)
{
	return pg->elsewhere &&
	       pg->feed_key != atomic_load(&pg->server->feed_key);
}
