/* SPDX-License-Identifier: MIT */
/* The operations standing, count and succeed of the Redis store, and those on
 * the networks of users. */
#include "strategy/login_keys.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <string.h>

#define NETWORK_LEN (REDIS_TIME_LEN + HEX_LEN(NETWORK_HASH_BYTES))

/* Returns false when the record is damaged. */
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
read_networks(struct str text, int64_t now_ms, struct known_networks *out,
	      struct err *err)
{
	struct known_networks known = { .n = 0 };

	for (; text.n > 0; text = str_skip(text, NETWORK_LEN)) {
		struct known_network one;

		if (known.n == NETWORKS_MAX || !read_network(text, &one))
			return redis_damaged("networks", err);
		if (one.until_ms > now_ms)
			known.v[known.n++] = one;
	}
	*out = known;
	return 0;
}

int
store_redis_networks(void *conn, const struct call *c, struct str user,
		     struct known_networks *out, struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	struct str text;

	(void)redis_add(&b, "GET", redis_key(&b, "n:", user), NULL, 0);
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_text(&b, 0, &text, err) != 0)
		return -1;
	return read_networks(text, c->now_ms, out, err);
}

int
store_redis_unlearn(void *conn, const struct call *c, struct str user,
		    struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	int64_t ignored;

	(void)redis_add(&b, "DEL", redis_key(&b, "n:", user), NULL, 0);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return redis_get_number(&b, 0, &ignored, err);
}

/* Adds one step for each key. If there is a user, two more steps follow: for
 * the key `known`, and for the networks of the user. */
static void
ask_standing(struct redis_batch *b, const struct login_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		(void)redis_add(b, "GET", redis_key(b, "a:", k->v[i].key), NULL,
				0);
	if (k->user.n == 0)
		return;
	(void)redis_add(b, "GET", redis_key(b, "a:", k->known), NULL, 0);
	(void)redis_add(b, "GET", redis_key(b, "n:", k->user), NULL, 0);
}

static int
read_ban(const struct redis_batch *b, size_t i, const struct login_keys *k,
	 int64_t now_ms, int64_t *fact, struct err *err)
{
	struct str record;
	int64_t until;

	if (redis_get_text(b, i, &record, err) != 0 ||
	    redis_ban_read(record, k->ban_ms, now_ms, &until, err) != 0)
		return -1;
	if (until > *fact)
		*fact = until;
	return 0;
}

static int
read_end(const struct redis_batch *b, const struct login_keys *k,
	 int64_t now_ms, int64_t *fact, struct err *err)
{
	struct known_networks known;
	struct str text;

	if (redis_get_text(b, k->n + 1, &text, err) != 0 ||
	    read_networks(text, now_ms, &known, err) != 0)
		return -1;
	for (size_t i = 0; i < known.n; i++)
		if (memcmp(known.v[i].b, k->network, sizeof(k->network)) == 0)
			*fact = known.v[i].until_ms;
	return 0;
}

int
store_redis_standing(void *conn, const struct call *c,
		     const struct login_keys *k, struct login_standing *out,
		     struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, LOGIN_KEYS_MAX + 2);
	int64_t facts[LOGIN_FACTS] = { 0 };

	ask_standing(&b, k);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < k->n; i++)
		if (read_ban(&b, i, k, c->now_ms,
			     &facts[i == 0 ? LOGIN_FIRST_BAN : LOGIN_OTHER_BAN],
			     err) != 0)
			return -1;
	if (k->user.n > 0 &&
	    (read_ban(&b, k->n, k, c->now_ms, &facts[LOGIN_KNOWN_BAN], err) !=
		 0 ||
	     read_end(&b, k, c->now_ms, &facts[LOGIN_NETWORK], err) != 0))
		return -1;
	*out = login_standing_of(k, c->now_ms, facts);
	return 0;
}

static void
add_give_back(struct redis_batch *b, struct str key, int64_t ends_ms)
{
	(void)redis_add_script(b, LUA_GIVE_BACK, redis_key(b, "a:", key),
			       REDIS_ARGS(redis_time(b, ends_ms)));
}

/* Counts the attempt under all keys, without a maximum. */
static int
redis_logins_count_all(struct redis_batch *b, const struct call *c,
		       const struct login_keys *k, struct login_count *out,
		       struct err *err)
{
	const struct attempt_policy policy = { .max = INT64_MAX,
					       .window_ms = k->window_ms,
					       .ban_ms = k->ban_ms };

	for (size_t i = 0; i < k->n; i++)
		redis_attempt_add(b, c->now_ms,
				  login_key_of(k, &out->standing, i), &policy);
	if (redis_batch_run(b, err) != 0)
		return -1;
	for (size_t i = 0; i < k->n; i++)
		if (redis_attempt_get(b, i, &out->v[i], err) != 0)
			return -1;
	login_settle(k, out);
	return 0;
}

/* Undoes the attempt under the keys that counted it, because another key was
 * refused, for example by its server of a cluster. If that fails too, the
 * attempt stays counted. */
static void
undo_some(struct redis_batch *b, const struct login_keys *k,
	  const struct login_standing *standing)
{
	struct attempt a;
	struct err ignored;

	if (b->failed)
		return;
	for (size_t i = 0; i < k->n; i++)
		if (redis_attempt_happened(b, i, &a))
			add_give_back(b, login_key_of(k, standing, i),
				      a.ends_ms);
	if (redis_batch_run(b, &ignored) != 0)
		return;
}

static int
count_or_undo(struct redis_conn *conn, const struct call *c,
	      const struct login_keys *k, struct login_count *out,
	      struct err *err)
{
	struct redis_batch b =
	    redis_batch(conn, c->arena, LOGIN_KEYS_MAX * REDIS_ATTEMPT_STEPS);

	if (redis_logins_count_all(&b, c, k, out, err) != 0) {
		undo_some(&b, k, &out->standing);
		return -1;
	}
	for (size_t i = 0; !out->counted && i < k->n; i++)
		add_give_back(&b, login_key_of(k, &out->standing, i),
			      out->v[i].ends_ms);
	return redis_batch_run(&b, err);
}

/* Writes nothing during a ban. */
int
store_redis_count(void *conn, const struct call *c, const struct login_keys *k,
		  struct login_count *out, struct err *err)
{
	struct login_count count = { .counted = false };

	if (store_redis_standing(conn, c, k, &count.standing, err) != 0 ||
	    (count.standing.banned_until_ms == 0 &&
	     count_or_undo(conn, c, k, &count, err) != 0))
		return -1;
	*out = count;
	return 0;
}

static void
add_learn(struct redis_batch *b, const struct call *c,
	  const struct login_success *s)
{
	char hash[HEX_LEN(NETWORK_HASH_BYTES)];

	hex_encode(s->network.b, sizeof(s->network.b), hash);
	(void)redis_add_script(
	    b, LUA_LEARN, redis_key(b, "n:", s->user),
	    REDIS_ARGS(redis_join(b,
				  REDIS_ARGS({ .p = hash, .n = sizeof(hash) })),
		       redis_time(b, s->network.until_ms),
		       redis_number(b, NETWORKS_MAX - 1),
		       redis_keep(b, s->network.until_ms - c->now_ms)));
}

/* Deletes the record of the key that is reset even if it is damaged. */
int
store_redis_succeed(void *conn, const struct call *c,
		    const struct login_success *s, struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, LOGIN_KEYS_MAX + 2);
	int64_t ignored;
	size_t n;

	for (size_t i = 0; i < s->n; i++)
		add_give_back(&b, s->v[i].key, s->v[i].ends_ms);
	if (s->network.until_ms != 0)
		add_learn(&b, c, s);
	n = b.n;
	(void)redis_add_script(&b, LUA_END, redis_key(&b, "a:", s->key), NULL,
			       0);
	(void)redis_add(&b, "ZREM", redis_key(&b, "bans", STR("")),
			REDIS_ARGS(s->key));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (redis_get_number(&b, i, &ignored, err) != 0)
			return -1;
	return 0;
}
