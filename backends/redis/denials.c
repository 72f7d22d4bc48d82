/* SPDX-License-Identifier: MIT */
/* Denials of keys in the Redis store. */
#include "backends/redis/records.h"

struct str
redis_end_of_key(struct redis_batch *b, const char *kind, struct str key)
{
	return redis_join(b, REDIS_ARGS(str_from(kind), key));
}

/* A denial has no end of Redis's own, for nobody says what time it is: its
 * member of `ends`, which is there first, lets it be swept. */
static int
deny(struct redis_batch *b, struct str key, int64_t issued_ms,
     int64_t until_ms, struct err *err)
{
	int64_t ignored;

	(void)redis_add(b, "ZADD", redis_key(b, "ends", STR("")),
			REDIS_ARGS(redis_number(b, until_ms),
				   redis_end_of_key(b, "d:", key)));
	(void)redis_add_script(b, LUA_DENY, redis_key(b, "d:", key),
			       REDIS_ARGS(redis_time(b, until_ms),
					  redis_time(b, issued_ms)));
	if (redis_batch_run(b, err) != 0)
		return -1;
	return redis_get_number(b, 1, &ignored, err);
}

int
store_redis_deny(void *conn, struct str key, int64_t issued_ms,
		 int64_t until_ms, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 2);
	result = deny(&b, key, issued_ms, until_ms, err);
	arena_free(a);
	return result;
}

static int
ask_denials(struct redis_batch *b, const struct str *keys, size_t n,
	    int64_t issued_ms, int64_t now_ms, bool *denied, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		(void)redis_add(b, "GET", redis_key(b, "d:", keys[i]), NULL, 0);
	if (redis_batch_run(b, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct str s, until;
		int64_t until_ms, of_ms;

		if (redis_get_text(b, i, &s, err) != 0)
			return -1;
		if (s.p == NULL)
			continue;
		until = (struct str){ .p = s.p, .n = REDIS_TIME_LEN };
		if (s.n != 2 * REDIS_TIME_LEN ||
		    !redis_time_parse(until, &until_ms) ||
		    !redis_time_parse(str_skip(s, REDIS_TIME_LEN), &of_ms))
			return redis_damaged("denial", err);
		any = any || (of_ms >= issued_ms && until_ms > now_ms);
	}
	*denied = any;
	return 0;
}

int
store_redis_denied(void *conn, const struct str *keys, size_t n,
		   int64_t issued_ms, int64_t now_ms, bool *denied,
		   struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, DENIED_KEYS_MAX);
	result = ask_denials(&b, keys, n, issued_ms, now_ms, denied, err);
	arena_free(a);
	return result;
}
