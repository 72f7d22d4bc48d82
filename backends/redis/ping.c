/* SPDX-License-Identifier: MIT */
/* Finds out whether the Redis store permits all operations, and is set up
 * well. */
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <stdio.h>

#include "backends/redis/client/wire_error.h"

/* Adds what operations on sessions do, on keys that are used here only. */
static void
try_sessions(struct redis_batch *b, struct str shard, struct str index)
{
	const struct str zero = redis_time(b, 0), one = STR("1");
	const struct str least = STR("-inf");

	(void)redis_add_script_keys(b, LUA_REVOKE_USER, index, 2,
				    REDIS_ARGS(index, index, STR(""), STR("+"),
					       one, shard, STR("")));
	(void)redis_add_script_keys(b, LUA_SWEEP, index, 1,
				    REDIS_ARGS(index, zero, one, shard));
	(void)redis_add_script(b, LUA_LIST, index,
			       REDIS_ARGS(STR("+"), one, shard));
	/* The scripts run these commands only on existing sessions. */
	(void)redis_add(b, "ZREM", index, REDIS_ARGS(STR("-")));
	(void)redis_add(b, "ZSCORE", index, REDIS_ARGS(STR("-")));
	(void)redis_add(b, "ZCOUNT", index, REDIS_ARGS(least, least));
	(void)redis_add(b, "ZREVRANGEBYSCORE", index, REDIS_ARGS(least, least));
	(void)redis_add(b, "ZREMRANGEBYSCORE", index, REDIS_ARGS(least, least));
	(void)redis_add(b, "SCAN", STR("0"), REDIS_ARGS(STR("COUNT"), one));
	(void)redis_add(b, "EVAL", STR("return 1"), REDIS_ARGS(STR("0")));
}

/* Tries what a sign-in does, on keys that are used here only. */
static int
ping_try_all(struct redis_batch *b, struct err *err)
{
	const struct str ping = redis_key(b, "ping", STR(""));
	const struct str index = redis_key(b, "ping:index", STR(""));
	const struct str shard = redis_key(b, "{ping}", STR(""));
	const struct str session = redis_join(b, REDIS_ARGS(shard, STR("s:")));
	const struct str other = redis_join(b, REDIS_ARGS(shard, STR("index")));
	const struct str denial = redis_key(b, "ping:denial", STR(""));
	const struct str zero = redis_time(b, 0), entry = STR("0");

	(void)redis_add(b, "SET", ping,
			REDIS_ARGS(STR("1"), STR("PX"), redis_keep(b, 0)));
	(void)redis_add_script(b, LUA_TOUCH, ping,
			       REDIS_ARGS(zero, zero, zero, STR(""), shard));
	(void)redis_add(b, "GET", ping, NULL, 0);
	(void)redis_add(b, "GETRANGE", ping, REDIS_ARGS(STR("0"), STR("0")));
	(void)redis_add(b, "SETRANGE", ping, REDIS_ARGS(STR("0"), STR("1")));
	(void)redis_add(b, "EXISTS", ping, NULL, 0);
	(void)redis_add_script_keys(b, LUA_CREATE, session, 3,
				    REDIS_ARGS(other, other, other, entry,
					       entry, STR(""), entry,
					       redis_keep(b, 0), STR("1"), zero,
					       shard, STR("")));
	try_sessions(b, shard, other);
	(void)redis_add_script(b, LUA_DROP, index, REDIS_ARGS(zero, entry));
	(void)redis_add_script(b, LUA_DENY, denial, REDIS_ARGS(zero, zero));
	return redis_batch_run(b, err);
}

/* Deletes the keys. This is a run of its own, because a script that the server
 * does not know is sent again after the other steps. */
static int
clean_up(struct redis_batch *b, struct err *err)
{
	const struct str shard = redis_key(b, "{ping}", STR(""));
	int64_t n;

	(void)redis_add(b, "DEL", redis_join(b, REDIS_ARGS(shard, STR("s:"))),
			REDIS_ARGS(redis_join(b, REDIS_ARGS(shard,
							    STR("index")))));
	(void)redis_add(b, "DEL", redis_key(b, "ping:denial", STR("")), NULL,
			0);
	(void)redis_add_script(b, LUA_END, redis_key(b, "ping", STR("")), NULL,
			       0);
	if (redis_batch_run(b, err) != 0)
		return -1;
	return redis_get_number(b, 0, &n, err);
}

static int
try_and_clean(struct redis_batch *b, struct err *err)
{
	struct err ignored;

	if (ping_try_all(b, err) == 0)
		return clean_up(b, err);
	(void)!clean_up(b, &ignored);
	return -1;
}

/* A server that answers PING may still be a replica, out of memory or unable to
 * save, or may not permit what a sign-in needs. */
int
store_redis_ping(void *conn, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 24);
	result = redis_ping(conn, err);
	if (result == 0)
		result = try_and_clean(&b, err);
	arena_free(a);
	return result;
}

/* Returns -1 if this server evicts keys once its memory is full. A server that
 * does not let us read its policy passes. */
static int
read_policy(void *evicts, const redisReply *reply, struct err *err)
{
	struct str info = STR(""), policy;
	bool *found = evicts;

	if (reply->type == REDIS_REPLY_STRING)
		info = redis_reply_str(reply);
	policy = str_clip(redis_info_value(info, STR("maxmemory_policy:")), 32);
	*found = policy.n > 0 && !str_eq(policy, STR("noeviction")) &&
		 !str_eq(redis_info_value(info, STR("maxmemory:")), STR("0"));
	if (!*found)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "maxmemory-policy is %.*s: sessions, bans and denials "
		       "are dropped when memory is short; set noeviction",
		       STR_ARG(policy));
}

/* Uses INFO, which the connection needs anyway, because CONFIG may be
 * forbidden. */
int
store_redis_advise(void *conn, char advice[BACKEND_ADVICE_MAX], struct err *err)
{
	const struct str argv[] = { STR("INFO"), STR("memory") };
	bool evicts = false;
	struct err why = { .msg = "" };

	if (redis_ask_all(conn, argv, ARRAY_LEN(argv), read_policy, &evicts,
			  &why) != 0 &&
	    !evicts) {
		*err = why;
		return -1;
	}
	(void)snprintf(advice, BACKEND_ADVICE_MAX, "%s", why.msg);
	return 0;
}
