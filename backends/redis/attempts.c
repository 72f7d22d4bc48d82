/* SPDX-License-Identifier: MIT */
/* Regulation in the Redis store: attempts and bans. */
#include "strategy/clock.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <stdlib.h>
#include <string.h>

/* The attempts of a key as they are stored. */
struct attempts {
	int64_t ends_ms, count;
	bool banned;
};

/* Sets *out to zero when there is no text. */
static int
read_attempts(struct str text, struct attempts *out, struct err *err)
{
	struct attempts r = { .count = 0 };
	struct str ends, banned;
	int64_t ban;

	if (text.p != NULL) {
		if (!str_cut(&text, ' ', &ends) ||
		    !redis_time_parse(ends, &r.ends_ms) ||
		    !str_cut(&text, ' ', &banned) ||
		    !str_to_uint(banned, 1, &ban) ||
		    !str_to_uint(text, INT64_MAX, &r.count))
			return redis_damaged("attempts", err);
		r.banned = ban != 0;
	}
	*out = r;
	return 0;
}

int
redis_ban_read(struct str text, int64_t ban_ms, int64_t now_ms,
	       int64_t *until_ms, struct err *err)
{
	struct attempts r;

	if (read_attempts(text, &r, err) != 0)
		return -1;
	*until_ms = r.banned && r.ends_ms > now_ms &&
			    r.ends_ms <= latest_ms(now_ms, ban_ms) ?
			r.ends_ms :
			0;
	return 0;
}

void
redis_attempt_add(struct redis_batch *b, int64_t now_ms, struct str key,
		  const struct attempt_policy *policy)
{
	int64_t window = policy->window_ms, ban = policy->ban_ms;

	(void)redis_add(b, "ZADD", redis_key(b, "ends", STR("")),
			REDIS_ARGS(STR("NX"),
				   redis_number(b, later_ms(now_ms, window)),
				   redis_end_of_key(b, "a:", key)));
	(void)redis_add_script(
	    b, LUA_ATTEMPT, redis_key(b, "a:", key),
	    REDIS_ARGS(redis_time(b, now_ms),
		       redis_time(b, later_ms(now_ms, window)),
		       redis_time(b, later_ms(now_ms, ban)),
		       redis_number(b, policy->max),
		       redis_keep(b, window > ban ? window : ban),
		       redis_time(b, latest_ms(now_ms, window)),
		       redis_time(b, latest_ms(now_ms, ban))));
}

/* Returns the step that counts the i-th attempt of a batch. */
static size_t
step_of(size_t i)
{
	return REDIS_ATTEMPT_STEPS * i + 1;
}

int
redis_attempt_get(const struct redis_batch *b, size_t i, struct attempt *out,
		  struct err *err)
{
	struct attempts r;
	struct str text;

	if (redis_get_text(b, step_of(i), &text, err) != 0)
		return -1;
	if (text.p == NULL)
		return redis_damaged("answer", err);
	if (read_attempts(text, &r, err) != 0)
		return -1;
	*out = (struct attempt){ .banned_until_ms = r.banned ? r.ends_ms : 0,
				 .count = r.banned ? 0 : r.count,
				 .ends_ms = r.ends_ms };
	return 0;
}

bool
redis_attempt_happened(struct redis_batch *b, size_t i, struct attempt *out)
{
	redisReply *reply = redis_happened(b->conn, step_of(i));
	struct err ignored;

	if (reply == NULL)
		return false;
	b->replies[step_of(i)] = reply;
	return redis_attempt_get(b, i, out, &ignored) == 0;
}

int
store_redis_attempt(void *conn, const struct call *c, struct str key,
		    const struct attempt_policy *policy, struct attempt *out,
		    struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, REDIS_ATTEMPT_STEPS);
	struct attempt attempt;

	redis_attempt_add(&b, c->now_ms, key, policy);
	if (redis_batch_run(&b, err) != 0 ||
	    redis_attempt_get(&b, 0, &attempt, err) != 0)
		return -1;
	if (attempt.banned_until_ms > 0) {
		/* This is written at each attempt during a ban, which restores
		 * an entry that the index has lost. */
		(void)redis_add(
		    &b, "ZADD", redis_key(&b, "bans", STR("")),
		    REDIS_ARGS(redis_number(&b, attempt.banned_until_ms), key));
		if (redis_batch_run(&b, err) != 0)
			return -1;
	}
	*out = attempt;
	return 0;
}

int
store_redis_give_back(void *conn, const struct call *c, struct str key,
		      int64_t ends_ms, struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	int64_t ignored;

	(void)redis_add_script(&b, LUA_GIVE_BACK, redis_key(&b, "a:", key),
			       REDIS_ARGS(redis_time(&b, ends_ms)));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return redis_get_number(&b, 0, &ignored, err);
}

/* Deletes the record even if it is damaged. */
int
store_redis_reset_attempts(void *conn, const struct call *c, struct str key,
			   bool *was_banned, struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 2);
	struct attempts was;
	struct str record;
	struct err damage;

	(void)redis_add_script(&b, LUA_END, redis_key(&b, "a:", key), NULL, 0);
	(void)redis_add(&b, "ZREM", redis_key(&b, "bans", STR("")),
			REDIS_ARGS(key));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_text(&b, 0, &record, err) != 0)
		return -1;
	*was_banned = read_attempts(record, &was, &damage) == 0 && was.banned;
	return 0;
}

/* The bans in force that have been found so far. */
struct bans {
	struct redis_conn *conn;
	struct arena *a;
	int64_t ban_ms, now_ms;
	struct ban *v;
	size_t n, max;
};

static int
read_bans(struct bans *m, const struct str *keys, size_t n, struct err *err)
{
	struct redis_batch b = redis_batch(m->conn, m->a, n);

	for (size_t i = 0; i < n; i++)
		(void)redis_add(&b, "GET", redis_key(&b, "a:", keys[i]), NULL,
				0);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct ban *ban = &m->v[m->n];
		struct str record;

		if (redis_get_text(&b, i, &record, err) != 0 ||
		    redis_ban_read(record, m->ban_ms, m->now_ms, &ban->until_ms,
				   err) != 0)
			return -1;
		ban->key = keys[i];
		m->n += ban->until_ms > 0;
	}
	return 0;
}

static int
collect_bans(struct bans *m, struct err *err)
{
	struct redis_batch b = redis_batch(m->conn, m->a, 1);
	struct str after =
	    redis_join(&b, REDIS_ARGS(STR("("), redis_number(&b, m->now_ms)));
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
		    read_bans(m, keys, n, err) != 0)
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

	if (x->until_ms != y->until_ms)
		return x->until_ms < y->until_ms ? 1 : -1;
	return str_order(x->key, y->key);
}

int
store_redis_bans(void *conn, const struct call *c, int64_t ban_ms, size_t limit,
		 struct ban_list *out, struct err *err)
{
	struct bans m = { .conn = conn,
			  .a = c->arena,
			  .ban_ms = ban_ms,
			  .now_ms = c->now_ms,
			  .v = arena_array(c->arena, limit, sizeof(*m.v)),
			  .max = limit };

	if (m.v == NULL)
		return err_nomem(err);
	if (collect_bans(&m, err) != 0)
		return -1;
	qsort(m.v, m.n, sizeof(*m.v), compare_bans);
	*out = (struct ban_list){ .v = m.v, .n = m.n };
	return 0;
}
