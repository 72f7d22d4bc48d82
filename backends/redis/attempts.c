/* SPDX-License-Identifier: MIT */
/* Regulation in the Redis store: attempts, bans, networks of users. */
#include "backends/redis/records.h"

#include <stdlib.h>
#include <string.h>

/* The attempts of a key, as they are stored. */
struct record {
	int64_t ends_ms, count;
	bool banned;
};

/* All zero without one. */
static int
read_record(struct str text, struct record *out, struct err *err)
{
	struct record r = { .count = 0 };
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

/* Until when the record says that its key is banned; 0: it is not. */
static int
get_ban(struct str text, int64_t ban_ms, int64_t now_ms, int64_t *until_ms,
	struct err *err)
{
	struct record r;

	if (read_record(text, &r, err) != 0)
		return -1;
	*until_ms = r.banned && r.ends_ms > now_ms &&
		r.ends_ms <= latest_ms(now_ms, ban_ms) ?
	    r.ends_ms :
	    0;
	return 0;
}

static int
count_attempt(struct redis_batch *b, struct str key,
	      const struct attempt_policy *policy, int64_t now_ms,
	      struct attempt *out, struct err *err)
{
	int64_t window = policy->window_ms, ban = policy->ban_ms;
	struct record r;
	struct str text;

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
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 1, &text, err) != 0)
		return -1;
	if (text.p == NULL)
		return redis_damaged("answer", err);
	if (read_record(text, &r, err) != 0)
		return -1;
	*out = (struct attempt){ .banned_until_ms = r.banned ? r.ends_ms : 0,
				 .count = r.banned ? 0 : r.count,
				 .ends_ms = r.ends_ms };
	if (!r.banned)
		return 0;
	/* Each time again: it heals an index that was lost. */
	(void)redis_add(b, "ZADD", redis_key(b, "bans", STR("")),
			REDIS_ARGS(redis_number(b, r.ends_ms), key));
	return redis_batch_run(b, err);
}

int
store_redis_attempt(void *conn, struct str key,
		    const struct attempt_policy *policy, int64_t now_ms,
		    struct attempt *out, struct err *err)
{
	struct arena *a = redis_scratch();
	struct attempt attempt = { .count = 0 };
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 2);
	result = count_attempt(&b, key, policy, now_ms, &attempt, err);
	arena_free(a);
	if (result == 0)
		*out = attempt;
	return result;
}

/* One step whose answer is not looked at. */
static int
run_step(struct redis_batch *b, struct err *err)
{
	int64_t ignored;

	if (redis_batch_run(b, err) != 0)
		return -1;
	return redis_get_number(b, 0, &ignored, err);
}

int
store_redis_give_back(void *conn, struct str key, int64_t ends_ms,
		      struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 1);
	(void)redis_add_script(&b, LUA_GIVE_BACK, redis_key(&b, "a:", key),
			       REDIS_ARGS(redis_time(&b, ends_ms)));
	result = run_step(&b, err);
	arena_free(a);
	return result;
}

static int
ask_ban(struct redis_batch *b, struct str key, int64_t ban_ms, int64_t now_ms,
	int64_t *until, struct err *err)
{
	struct str record;

	(void)redis_add(b, "GET", redis_key(b, "a:", key), NULL, 0);
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 0, &record, err) != 0)
		return -1;
	return get_ban(record, ban_ms, now_ms, until, err);
}

int
store_redis_banned(void *conn, struct str key, int64_t ban_ms, int64_t now_ms,
		   int64_t *banned_until_ms, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int64_t until = 0;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 1);
	result = ask_ban(&b, key, ban_ms, now_ms, &until, err);
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
	struct record was;
	struct str record;
	struct err damage;

	(void)redis_add_script(b, LUA_END, redis_key(b, "a:", key), NULL, 0);
	(void)redis_add(b, "ZREM", redis_key(b, "bans", STR("")),
			REDIS_ARGS(key));
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 0, &record, err) != 0)
		return -1;
	*was_banned = read_record(record, &was, &damage) == 0 && was.banned;
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
	int64_t ban_ms, now_ms;
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
		    get_ban(record, m->ban_ms, m->now_ms, &ban->until_ms,
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
	struct redis_batch b = redis_batch(m->l, m->a, 1);
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

	if (x->until_ms != y->until_ms)
		return x->until_ms < y->until_ms ? 1 : -1;
	return str_order(x->key, y->key);
}

int
store_redis_bans(void *conn, struct arena *a, int64_t ban_ms, int64_t now_ms,
		 size_t limit, struct ban **out, size_t *n, struct err *err)
{
	struct bans m = { .l = conn,
			  .a = a,
			  .ban_ms = ban_ms,
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

#define NETWORK_LEN (REDIS_TIME_LEN + HEX_LEN(NETWORK_HASH_BYTES))

int
store_redis_learn(void *conn, struct str user,
		  const struct known_network *network, int64_t now_ms,
		  struct err *err)
{
	char hash[HEX_LEN(NETWORK_HASH_BYTES)];
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	hex_encode(network->b, sizeof(network->b), hash);
	b = redis_batch(conn, a, 1);
	(void)redis_add_script(
	    &b, LUA_LEARN, redis_key(&b, "n:", user),
	    REDIS_ARGS({ .p = hash, .n = sizeof(hash) },
		       redis_time(&b, network->until_ms),
		       redis_number(&b, NETWORKS_MAX - 1),
		       redis_keep(&b, network->until_ms - now_ms)));
	result = run_step(&b, err);
	arena_free(a);
	return result;
}

/* False: it is damaged. */
static bool
read_network(struct str s, struct known_network *out)
{
	struct str ends = { .p = s.p, .n = REDIS_TIME_LEN };
	struct str hash = { .p = s.p + REDIS_TIME_LEN,
			    .n = HEX_LEN(NETWORK_HASH_BYTES) };

	return s.n >= NETWORK_LEN && redis_time_parse(ends, &out->until_ms) &&
	    hex_decode(hash, out->b, sizeof(out->b));
}

static int
ask_networks(struct redis_batch *b, struct str user, int64_t now_ms,
	     struct known_network out[NETWORKS_MAX], size_t *n, struct err *err)
{
	struct known_network v[NETWORKS_MAX] = { { .until_ms = 0 } }, one;
	struct str rest;
	size_t got = 0;

	(void)redis_add(b, "GET", redis_key(b, "n:", user), NULL, 0);
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 0, &rest, err) != 0)
		return -1;
	for (; rest.n > 0; rest = str_skip(rest, NETWORK_LEN)) {
		if (got == NETWORKS_MAX || !read_network(rest, &one))
			return redis_damaged("networks", err);
		if (one.until_ms > now_ms)
			v[got++] = one;
	}
	memcpy(out, v, sizeof(v));
	*n = got;
	return 0;
}

int
store_redis_networks(void *conn, struct str user, int64_t now_ms,
		     struct known_network out[NETWORKS_MAX], size_t *n,
		     struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 1);
	result = ask_networks(&b, user, now_ms, out, n, err);
	arena_free(a);
	return result;
}

int
store_redis_unlearn(void *conn, struct str user, struct err *err)
{
	struct arena *a = redis_scratch();
	struct redis_batch b;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(conn, a, 1);
	(void)redis_add(&b, "DEL", redis_key(&b, "n:", user), NULL, 0);
	result = run_step(&b, err);
	arena_free(a);
	return result;
}
