/* SPDX-License-Identifier: MIT */
/* Is the Redis store usable, for all that is done with it? */
#include "backends/redis_store.h"

#ifdef HAVE_REDIS

/* What a login does, on keys that nobody else has, and that are gone then. */
static int
try_all(struct redis_batch *b, struct err *err)
{
	const struct str ping = redis_key(b, "ping", STR(""));
	const struct str index = redis_key(b, "ping:index", STR(""));
	const struct str denial = redis_key(b, "ping:denial", STR(""));
	const struct str zero = redis_time(b, 0), entry = STR("0");

	(void)redis_add(b, "SET", ping,
			REDIS_ARGS(STR("1"), STR("PX"), redis_keep(b, 0)));
	(void)redis_add_script(b, LUA_TOUCH, ping,
			       REDIS_ARGS(zero, zero, zero));
	(void)redis_add_script(b, LUA_ROOM, index, REDIS_ARGS(entry, STR("1")));
	(void)redis_add_script(b, LUA_DROP, index, REDIS_ARGS(zero, entry));
	(void)redis_add_script(b, LUA_DENY, denial, REDIS_ARGS(zero, zero));
	(void)redis_add(b, "DEL", denial, NULL, 0);
	(void)redis_add_script(b, LUA_END, ping, NULL, 0);
	return redis_batch_run(b, err);
}

/* A server that only answers may be a replica, out of memory, unable to save,
 * or not allow us what a login needs. */
int
store_redis_ping(void *conn, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 7);
	result = redis_ping(conn, err);
	if (result == 0)
		result = try_all(&b, err);
	arena_free(a);
	return result;
}

#endif
