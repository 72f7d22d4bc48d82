/* SPDX-License-Identifier: MIT */
/* What is over in the Redis store, and what led to it. */
#include "backends/redis/records.h"

#include <string.h>

/* Pages of one call: what lives on only gets a new time, and is not counted. */
#define PAGES_MAX 100

/* A page of members of `ends` that are due. */
struct due {
	struct redis_link *l;
	struct arena *a;
	int64_t now_ms;
	const struct str *v;
	size_t n;
};

/* Where in a record the times are at which it is over, from 1. */
static const struct {
	const char *kind; /* of the member */
	struct str at[2];
	size_t n;
} kinds[] = {
	{ "s:", { REDIS_ENDS_AT }, 2 },
	{ "a:", { { .p = "1", .n = 1 } }, 1 },
	{ "d:", { { .p = "1", .n = 1 } }, 1 },
};

static size_t
kind_of(struct str member)
{
	size_t i = 0;

	while (i < ARRAY_LEN(kinds) &&
	       !str_starts(member, str_from(kinds[i].kind)))
		i++;
	return i;
}

/* "s:ENTRY:USER" */
static bool
get_session(struct str member, struct session *s)
{
	const size_t before = strlen("s:");
	struct str entry = { .p = member.p + before, .n = REDIS_ENTRY_LEN };

	*s = (struct session){ .created_ms = 0 };
	if (member.n < before + REDIS_ENTRY_LEN + 1 ||
	    kind_of(member) != 0 || !redis_entry_parse(entry, s) ||
	    member.p[before + REDIS_ENTRY_LEN] != ':')
		return false;
	s->who.name = str_skip(member, before + REDIS_ENTRY_LEN + 1);
	return true;
}

/* The key of the record that a member is about; empty: it is about none. */
static struct str
record_key(struct redis_batch *b, struct str member)
{
	size_t kind = kind_of(member);
	struct session s;

	if (get_session(member, &s))
		return redis_key_session(b, redis_id(b, &s.id));
	if (kind == 0 || kind == ARRAY_LEN(kinds))
		return STR("");
	return redis_key(b, "", member);
}

/* Its records answer when they end, or are no more; *asked[i] says where. */
static int
reap(const struct due *d, struct redis_batch *b, size_t *asked,
     struct err *err)
{
	struct str now = redis_time(b, d->now_ms);

	for (size_t i = 0; i < d->n; i++) {
		struct str key = record_key(b, d->v[i]);
		size_t kind = kind_of(d->v[i]);

		asked[i] = SIZE_MAX;
		if (key.n > 0)
			asked[i] = redis_add_script(
			    b, LUA_REAP, key,
			    (const struct str[]){ now, kinds[kind].at[0],
						  kinds[kind].at[1] },
			    1 + kinds[kind].n);
	}
	return redis_batch_run(b, err);
}

/* A session is in its indices, then; due again at the end of the record.  In
 * this order: who ends it meanwhile takes it out of all, or it is due. */
static int
put_off(struct redis_batch *b, struct str member,
	const struct redis_batch *asked, size_t at, struct err *err)
{
	const struct str *v;
	struct session s;
	int64_t ends_ms;
	size_t n;

	if (redis_get_texts(asked, at, &v, &n, err) != 0)
		return -1;
	if (n != 1 || !redis_time_parse(v[0], &ends_ms))
		return redis_damaged("answer", err);
	if (get_session(member, &s)) {
		(void)redis_add(b, "ZADD", redis_key(b, "u:", s.who.name),
				REDIS_ARGS(STR("0"), redis_entry(b, &s)));
		(void)redis_add(b, "ZADD", redis_key(b, "sessions", STR("")),
				REDIS_ARGS(STR("0"), redis_entry(b, &s)));
	}
	(void)redis_add(b, "ZADD", redis_key(b, "ends", STR("")),
			REDIS_ARGS(redis_number(b, ends_ms), member));
	return 0;
}

/* What led to a record that is no more; record.p NULL: nor was it there. */
static void
forget(struct redis_batch *b, struct str member, struct str record)
{
	struct session s, was = { .damage = "not there" };

	if (!get_session(member, &s))
		return;
	if (record.p != NULL)
		redis_record_parse(record, &was);
	if (was.damage == NULL)
		(void)redis_add(b, "DEL", redis_key_token(b, &was.token), NULL,
				0);
	redis_forget_entry(b, &s);
}

/* Takes the page out of `ends`, or puts it off. */
static int
settle(const struct due *d, const struct redis_batch *asked, const size_t *at,
       int64_t *removed, struct err *err)
{
	struct redis_batch b = redis_batch(d->l, d->a,
					   d->n * REDIS_FORGET_STEPS + 1);
	struct str *gone = arena_array(d->a, d->n + 1, sizeof(*gone));
	size_t n = 1, drop;

	if (gone == NULL)
		return err_nomem(err);
	gone[0] = redis_number(&b, d->now_ms);
	for (size_t i = 0; i < d->n; i++) {
		struct str record = { .p = NULL };

		if (at[i] != SIZE_MAX && redis_is_array(asked, at[i])) {
			if (put_off(&b, d->v[i], asked, at[i], err) != 0)
				return -1;
			continue;
		}
		if (at[i] != SIZE_MAX &&
		    redis_get_text(asked, at[i], &record, err) != 0)
			return -1;
		forget(&b, d->v[i], record);
		gone[n++] = d->v[i];
	}
	drop = redis_add_script(&b, LUA_DROP, redis_key(&b, "ends", STR("")),
				gone, n);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return redis_get_number(&b, drop, removed, err);
}

/* At most `most` of those that are due; *n of them were. */
static int
sweep_page(struct due *d, size_t most, size_t *n, int64_t *removed,
	   struct err *err)
{
	struct redis_batch b = redis_batch(d->l, d->a, most);
	struct str now = redis_number(&b, d->now_ms);
	size_t *asked = arena_array(d->a, most, sizeof(*asked));

	if (asked == NULL)
		return err_nomem(err);
	(void)redis_add(&b, "ZRANGEBYSCORE", redis_key(&b, "ends", STR("")),
			REDIS_ARGS(STR("-inf"), now, STR("LIMIT"), STR("0"),
				   redis_number(&b, (int64_t)most)));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_texts(&b, 0, &d->v, &d->n, err) != 0)
		return -1;
	*n = d->n;
	*removed = 0;
	if (d->n == 0)
		return 0;
	return reap(d, &b, asked, err) != 0
		   ? -1
		   : settle(d, &b, asked, removed, err);
}

static int
sweep_pages(struct due *d, int64_t limit, int64_t *removed, struct err *err)
{
	for (int pages = 0; pages < PAGES_MAX && *removed < limit; pages++) {
		size_t most = limit - *removed < REDIS_PAGE
				  ? (size_t)(limit - *removed)
				  : REDIS_PAGE;
		int64_t some = 0;
		size_t n = 0;

		arena_reset(d->a);
		if (sweep_page(d, most, &n, &some, err) != 0)
			return -1;
		*removed += some;
		if (n < most)
			break;
	}
	return 0;
}

static int
sweep_bans(const struct due *d, struct err *err)
{
	struct redis_batch b = redis_batch(d->l, d->a, 1);

	(void)redis_add(&b, "ZREMRANGEBYSCORE", redis_key(&b, "bans", STR("")),
			REDIS_ARGS(STR("-inf"), redis_number(&b, d->now_ms)));
	return redis_batch_run(&b, err);
}

int
store_redis_sweep(void *conn, const struct call *c, size_t limit,
		  int64_t *removed, struct err *err)
{
	struct due d = { .l = conn, .a = redis_scratch(), .now_ms = c->now_ms };
	int64_t most = limit > INT32_MAX ? INT32_MAX : (int64_t)limit, n = 0;
	int result = -1;

	if (d.a == NULL)
		return err_nomem(err);
	if (sweep_bans(&d, err) == 0)
		result = sweep_pages(&d, most, &n, err);
	arena_free(d.a);
	if (result == 0)
		*removed = n;
	return result;
}
