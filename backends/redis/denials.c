/* SPDX-License-Identifier: MIT */
/* Denials of keys in the Redis store. */
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

/* A denial has no expiry in Redis, because deny() does not use the clock.
 * sweep() deletes it, and finds it by its member of `P ends`, which is
 * therefore written first. */
int
store_redis_deny(void *conn, const struct call *c, const struct denial *d,
		 struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 2);
	int64_t ignored;

	(void)redis_add(&b, "ZADD", redis_key(&b, "ends", STR("")),
			REDIS_ARGS(redis_number(&b, d->until_ms),
				   redis_end_of_key(&b, "d:", d->key)));
	(void)redis_add_script(&b, LUA_DENY, redis_key(&b, "d:", d->key),
			       REDIS_ARGS(redis_time(&b, d->until_ms),
					  redis_time(&b, d->issued_ms)));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return redis_get_number(&b, 1, &ignored, err);
}

int
store_redis_denied(void *conn, const struct call *c,
		   const struct denial_question *q, bool *denied,
		   struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, DENIED_KEYS_MAX);
	bool any = false;

	for (size_t i = 0; i < q->n; i++)
		(void)redis_add(&b, "GET", redis_key(&b, "d:", q->keys[i]),
				NULL, 0);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < q->n; i++) {
		struct str s, until;
		int64_t until_ms, of_ms;

		if (redis_get_text(&b, i, &s, err) != 0)
			return -1;
		if (s.p == NULL)
			continue;
		until = (struct str){ .p = s.p, .n = REDIS_TIME_LEN };
		if (s.n != 2 * REDIS_TIME_LEN ||
		    !redis_time_parse(until, &until_ms) ||
		    !redis_time_parse(str_skip(s, REDIS_TIME_LEN), &of_ms))
			return redis_damaged("denial", err);
		any = any || (of_ms >= q->issued_ms && until_ms > c->now_ms);
	}
	*denied = any;
	return 0;
}
