/* SPDX-License-Identifier: MIT */
/* Counts the live sessions of the Redis store, and their users. */
#include "strategy/session_id.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

static int
live_count(struct redis_batch *b, int64_t now_ms, struct session_counts *out,
	   struct err *err)
{
	struct session_counts sum = { .sessions = 0 };

	for (unsigned i = 0; i < SESSION_SHARDS; i++)
		(void)redis_add_script(b, LUA_LIVE,
				       redis_index(b, (uint8_t)i, "ends",
						   STR("")),
				       REDIS_ARGS(redis_time(b, now_ms),
						  redis_shard(b, (uint8_t)i)));
	if (redis_batch_run(b, err) != 0)
		return -1;
	/* All sessions of a user are in one shard. */
	for (size_t i = 0; i < SESSION_SHARDS; i++) {
		const redisReply *r = b->replies[i];

		if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
		    r->element[0]->type != REDIS_REPLY_INTEGER ||
		    r->element[1]->type != REDIS_REPLY_INTEGER)
			return redis_damaged("answer", err);
		sum.sessions += r->element[0]->integer;
		sum.users += r->element[1]->integer;
	}
	*out = sum;
	return 0;
}

int
store_redis_count_sessions(void *conn, const struct call *c,
			   struct session_counts *out, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, SESSION_SHARDS);
	result = live_count(&b, c->now_ms, out, err);
	arena_free(a);
	return result;
}
