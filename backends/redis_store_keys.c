/* SPDX-License-Identifier: MIT */
/* Attempts, bans and denials of keys in the Redis store. */
#include "backends/redis_store.h"

#ifdef HAVE_REDIS

#include <stdlib.h>
#include <string.h>

/* Until when the record says that its key is banned; 0: it is not. */
static int
get_ban(struct str record, int64_t now_ms, int64_t *until_ms, struct err *err)
{
	struct str ends, banned;
	int64_t at, ban, count;

	if (record.p == NULL) {
		*until_ms = 0;
		return 0;
	}
	if (!str_cut(&record, ' ', &ends) || !redis_time_parse(ends, &at) ||
	    !str_cut(&record, ' ', &banned) || !str_to_uint(banned, 1, &ban) ||
	    !str_to_uint(record, INT64_MAX, &count))
		return redis_damaged("attempts", err);
	*until_ms = ban != 0 && at > now_ms ? at : 0;
	return 0;
}

static struct str
end_of(struct redis_batch *b, const char *kind, struct str key)
{
	return redis_join(b, REDIS_ARGS(str_from(kind), key));
}

static int
count_attempt(struct redis_batch *b, struct str key,
	      const struct attempt_policy *policy, int64_t now_ms,
	      int64_t *until_ms, struct err *err)
{
	int64_t window = policy->window_ms, ban = policy->ban_ms;
	struct str until;

	(void)redis_add(b, "ZADD", redis_key(b, "ends", STR("")),
			REDIS_ARGS(STR("NX"),
				   redis_number(b, later_ms(now_ms, window)),
				   end_of(b, "a:", key)));
	(void)redis_add_script(
	    b, LUA_ATTEMPT, redis_key(b, "a:", key),
	    REDIS_ARGS(redis_time(b, now_ms),
		       redis_time(b, later_ms(now_ms, window)),
		       redis_time(b, later_ms(now_ms, ban)),
		       redis_number(b, policy->max),
		       redis_keep(b, window > ban ? window : ban)));
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 1, &until, err) != 0)
		return -1;
	*until_ms = 0;
	if (until.n == 0)
		return 0;
	if (!redis_time_parse(until, until_ms))
		return redis_damaged("attempts", err);
	/* Each time again: it heals an index that was lost. */
	(void)redis_add(b, "ZADD", redis_key(b, "bans", STR("")),
			REDIS_ARGS(redis_number(b, *until_ms), key));
	return redis_batch_run(b, err);
}

int
store_redis_attempt(void *conn, struct str key,
		    const struct attempt_policy *policy, int64_t now_ms,
		    int64_t *banned_until_ms, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int64_t until = 0;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 2);
	result = count_attempt(&b, key, policy, now_ms, &until, err);
	arena_free(a);
	if (result == 0)
		*banned_until_ms = until;
	return result;
}

static int
ask_ban(struct redis_batch *b, struct str key, int64_t now_ms, int64_t *until,
	struct err *err)
{
	struct str record;

	(void)redis_add(b, "GET", redis_key(b, "a:", key), NULL, 0);
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 0, &record, err) != 0)
		return -1;
	return get_ban(record, now_ms, until, err);
}

int
store_redis_banned(void *conn, struct str key, int64_t now_ms,
		   int64_t *banned_until_ms, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int64_t until = 0;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 1);
	result = ask_ban(&b, key, now_ms, &until, err);
	arena_free(a);
	if (result == 0)
		*banned_until_ms = until;
	return result;
}

/* What is damaged is forgotten, too. */
static int
forgive(struct redis_batch *b, struct str key, bool *was_banned,
	struct err *err)
{
	struct str record;
	int64_t until = 0;
	struct err damage;

	(void)redis_add_script(b, LUA_END, redis_key(b, "a:", key), NULL, 0);
	(void)redis_add(b, "ZREM", redis_key(b, "bans", STR("")),
			REDIS_ARGS(key));
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 0, &record, err) != 0)
		return -1;
	*was_banned = get_ban(record, 0, &until, &damage) == 0 && until > 0;
	return 0;
}

int
store_redis_forgive(void *conn, struct str key, bool *was_banned,
		    struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 2);
	result = forgive(&b, key, was_banned, err);
	arena_free(a);
	return result;
}

/* Some bans, as far as they are in force. */
struct bans {
	struct redis_link *l;
	struct arena *a;
	int64_t now_ms;
	struct ban *v;
	size_t n, max;
};

static int
look_at_bans(struct bans *m, const struct str *keys, size_t n, struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, n);

	for (size_t i = 0; i < n; i++)
		(void)redis_add(&b, "GET", redis_key(&b, "a:", keys[i]), NULL,
				0);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct ban *ban = &m->v[m->n];
		struct str record;

		if (redis_get_text(&b, i, &record, err) != 0 ||
		    get_ban(record, m->now_ms, &ban->until_ms, err) != 0)
			return -1;
		ban->key = keys[i];
		m->n += ban->until_ms > 0;
	}
	return 0;
}

static int
collect_bans(struct bans *m, struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, 1);
	struct str after = redis_join(
	    &b, REDIS_ARGS(STR("("), redis_number(&b, m->now_ms)));
	size_t seen = 0;

	while (m->n < m->max) {
		size_t most = m->max - m->n, n;
		const struct str *keys;

		if (most > REDIS_PAGE)
			most = REDIS_PAGE;
		(void)redis_add(&b, "ZREVRANGEBYSCORE",
				redis_key(&b, "bans", STR("")),
				REDIS_ARGS(STR("+inf"), after, STR("LIMIT"),
					   redis_number(&b, (int64_t)seen),
					   redis_number(&b, (int64_t)most)));
		if (redis_batch_run(&b, err) != 0 ||
		    redis_get_texts(&b, 0, &keys, &n, err) != 0 ||
		    look_at_bans(m, keys, n, err) != 0)
			return -1;
		if (n < most)
			break;
		seen += n;
	}
	return 0;
}

static int
compare_bans(const void *a, const void *b)
{
	const struct ban *x = a, *y = b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int order = memcmp(x->key.p, y->key.p, n);

	if (x->until_ms != y->until_ms)
		return x->until_ms < y->until_ms ? 1 : -1;
	if (order != 0)
		return order;
	return (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

int
store_redis_bans(void *conn, struct arena *a, int64_t now_ms, size_t limit,
		 struct ban **out, size_t *n, struct err *err)
{
	struct bans m = { .l = conn,
			  .a = a,
			  .now_ms = now_ms,
			  .v = arena_array(a, limit, sizeof(*m.v)),
			  .max = limit };

	if (m.v == NULL)
		return err_nomem(err);
	if (collect_bans(&m, err) != 0)
		return -1;
	qsort(m.v, m.n, sizeof(*m.v), compare_bans);
	*out = m.v;
	*n = m.n;
	return 0;
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
				   end_of(b, "d:", key)));
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

#endif
