/* SPDX-License-Identifier: MIT */
/* Deletes the expired records of the Redis store, and their entries. */
#include "strategy/session_id.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <string.h>

/* The maximum of pages of a shard in one call. Pages of live sessions, which
 * get a later time, do not count as removed. */
#define PAGES_MAX 100

/* How long a time is in `seen` before it is written into the record. */
#define SEEN_MS 120000

/* The state of one call. */
struct sweep {
	struct redis_conn *conn;
	struct arena *a; /* of one page */
	int64_t now_ms, limit, removed;
	struct err first; /* the first ERR_BUSY */
};

/* Returns whether the sweep goes on after a part of it. A part that is busy,
 * for example because its slot is being moved or its index has another type,
 * does not stop the others; its error is returned when they are done. */
static bool
goes_on(struct sweep *s, int result, const struct err *err)
{
	if (result == 0)
		return true;
	if (err->code != ERR_BUSY)
		return false;
	if (s->first.code == ERR_NONE)
		s->first = *err;
	return true;
}

/* Returns the time up to which those in `seen` are due. The record of a session
 * that is in use is not written, because the change feed would report it. */
static struct str
seen_due(const struct sweep *s, struct redis_batch *b)
{
	return redis_number(b, s->now_ms - SEEN_MS);
}

static int64_t
page_size(const struct sweep *s)
{
	const int64_t left = s->limit - s->removed;

	return left < REDIS_PAGE ? left : REDIS_PAGE;
}

/* A page of the members of `P ends` that are due. */
struct due {
	const struct str *v;
	size_t n;
};

/* Returns whether a member is "a:KEY" or "d:KEY". */
static bool
is_record(struct str member)
{
	return str_starts(member, STR("a:")) || str_starts(member, STR("d:"));
}

/* Deletes each member of the page, or gives it a later time if its record is
 * not over. `asked` has the replies of LUA_REAP, in order. */
static int
sweep_settle(const struct sweep *s, const struct due *d,
	     const struct redis_batch *asked, int64_t *removed, struct err *err)
{
	struct redis_batch b = redis_batch(s->conn, s->a, d->n + 1);
	struct str *gone = arena_array(s->a, d->n + 1, sizeof(*gone));
	const struct str ends = redis_key(&b, "ends", STR(""));
	size_t n = 1, at = 0, drop;

	if (gone == NULL)
		return err_nomem(err);
	gone[0] = redis_number(&b, s->now_ms);
	for (size_t i = 0; i < d->n; i++) {
		const struct str *v;
		int64_t ends_ms;
		size_t nv;

		if (!is_record(d->v[i]) || !redis_is_array(asked, at++)) {
			gone[n++] = d->v[i];
			continue;
		}
		if (redis_get_texts(asked, at - 1, &v, &nv, err) != 0)
			return -1;
		if (nv != 1 || !redis_time_parse(v[0], &ends_ms))
			return redis_damaged("answer", err);
		(void)redis_add(&b, "ZADD", ends,
				REDIS_ARGS(redis_number(&b, ends_ms), d->v[i]));
	}
	drop = redis_add_script(&b, LUA_DROP, ends, gone, n);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return redis_get_number(&b, drop, removed, err);
}

/* Sets *last if there are no further pages. */
static int
sweep_records(struct sweep *s, bool *last, struct err *err)
{
	const size_t most = (size_t)page_size(s);
	struct redis_batch b = redis_batch(s->conn, s->a, most);
	int64_t some = 0;
	struct due d;

	(void)redis_add(&b, "ZRANGEBYSCORE", redis_key(&b, "ends", STR("")),
			REDIS_ARGS(STR("-inf"), redis_number(&b, s->now_ms),
				   STR("LIMIT"), STR("0"),
				   redis_number(&b, (int64_t)most)));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_texts(&b, 0, &d.v, &d.n, err) != 0)
		return -1;
	*last = d.n < most;
	if (d.n == 0)
		return 0;
	/* Deletes the records that are over; the others return their end. */
	for (size_t i = 0; i < d.n; i++)
		if (is_record(d.v[i]))
			(void)redis_add_script(
			    &b, LUA_REAP, redis_key(&b, "", d.v[i]),
			    REDIS_ARGS(redis_time(&b, s->now_ms)));
	if (redis_batch_run(&b, err) != 0 ||
	    sweep_settle(s, &d, &b, &some, err) != 0)
		return -1;
	s->removed += some;
	return 0;
}

static int
sweep_shard(struct sweep *s, uint8_t shard, bool *last, struct err *err)
{
	const int64_t most = page_size(s);
	struct redis_batch b = redis_batch(s->conn, s->a, 1);
	const redisReply *r;

	(void)redis_add_script_keys(
	    &b, LUA_SWEEP, redis_index(&b, shard, "ends", STR("")), 1,
	    REDIS_ARGS(redis_index(&b, shard, "sessions", STR("")),
		       redis_time(&b, s->now_ms), redis_number(&b, most),
		       redis_shard(&b, shard)));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	r = b.replies[0];
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
	    r->element[0]->type != REDIS_REPLY_INTEGER ||
	    r->element[1]->type != REDIS_REPLY_INTEGER)
		return redis_damaged("answer", err);
	s->removed += r->element[0]->integer;
	*last = r->element[1]->integer < most;
	return 0;
}

/* Writes a page of the times in `seen` into the records. */
static int
flush_shard(struct sweep *s, uint8_t shard, bool *last, struct err *err)
{
	struct redis_batch b = redis_batch(s->conn, s->a, 1);
	int64_t n;

	(void)redis_add_script(&b, LUA_FLUSH,
			       redis_index(&b, shard, "seen", STR("")),
			       REDIS_ARGS(seen_due(s, &b),
					  redis_number(&b, REDIS_PAGE),
					  redis_shard(&b, shard)));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_number(&b, 0, &n, err) != 0)
		return -1;
	*last = n < REDIS_PAGE;
	return 0;
}

static int
flush_pages_of(struct sweep *s, uint8_t shard, struct err *err)
{
	bool last = false;

	for (int i = 0; i < PAGES_MAX && !last; i++) {
		arena_reset(s->a);
		if (flush_shard(s, shard, &last, err) != 0)
			return -1;
	}
	return 0;
}

static int
sweep_pages_of(struct sweep *s, uint8_t shard, struct err *err)
{
	bool last = false;

	for (int i = 0; i < PAGES_MAX && !last && s->removed < s->limit; i++) {
		arena_reset(s->a);
		if (sweep_shard(s, shard, &last, err) != 0)
			return -1;
	}
	return 0;
}

/* How many members of a shard are due. */
struct shard_due {
	int64_t ends, seen;
};

static int
count_due(struct sweep *s, struct shard_due *due, struct err *err)
{
	struct redis_batch b = redis_batch(s->conn, s->a, 2 * SESSION_SHARDS);

	for (unsigned i = 0; i < SESSION_SHARDS; i++) {
		(void)redis_add_script(&b, LUA_DUE,
				       redis_index(&b, (uint8_t)i, "pages",
						   STR("")),
				       REDIS_ARGS(redis_number(&b, s->now_ms),
						  redis_shard(&b, (uint8_t)i)));
		(void)redis_add(&b, "ZCOUNT",
				redis_index(&b, (uint8_t)i, "seen", STR("")),
				REDIS_ARGS(STR("-inf"), seen_due(s, &b)));
	}
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < SESSION_SHARDS; i++)
		if (redis_get_number(&b, 2 * i, &due[i].ends, err) != 0 ||
		    redis_get_number(&b, 2 * i + 1, &due[i].seen, err) != 0)
			return -1;
	return 0;
}

/* If the members of one shard cannot be counted, all shards are swept. */
static int
find_due(struct sweep *s, struct shard_due *due, struct err *err)
{
	if (count_due(s, due, err) == 0)
		return 0;
	if (err->code != ERR_BUSY)
		return -1;
	for (unsigned i = 0; i < SESSION_SHARDS; i++)
		due[i] = (struct shard_due){ .ends = 1, .seen = 1 };
	return 0;
}

static int
sweep_shards(struct sweep *s, const struct shard_due *due, struct err *err)
{
	for (unsigned i = 0; i < SESSION_SHARDS; i++) {
		if (due[i].seen != 0 &&
		    !goes_on(s, flush_pages_of(s, (uint8_t)i, err), err))
			return -1;
		if (due[i].ends != 0 && s->removed < s->limit &&
		    !goes_on(s, sweep_pages_of(s, (uint8_t)i, err), err))
			return -1;
	}
	return 0;
}

static int
sweep_sessions(struct sweep *s, struct err *err)
{
	struct arena *a = redis_scratch();
	struct shard_due *due =
	    a == NULL ? NULL : arena_array(a, SESSION_SHARDS, sizeof(*due));
	int result;

	if (due == NULL)
		result = err_nomem(err);
	else
		result = find_due(s, due, err) != 0 ||
				 sweep_shards(s, due, err) != 0 ?
			     -1 :
			     0;
	arena_free(a);
	return result;
}

static int
sweep_bans(struct sweep *s, struct err *err)
{
	struct redis_batch b = redis_batch(s->conn, s->a, 1);

	(void)redis_add(&b, "ZREMRANGEBYSCORE", redis_key(&b, "bans", STR("")),
			REDIS_ARGS(STR("-inf"), redis_number(&b, s->now_ms)));
	return redis_batch_run(&b, err);
}

static int
sweep_pages_of_records(struct sweep *s, struct err *err)
{
	bool last = false;

	for (int i = 0; i < PAGES_MAX && !last && s->removed < s->limit; i++) {
		arena_reset(s->a);
		if (sweep_records(s, &last, err) != 0)
			return -1;
	}
	return 0;
}

static int
sweep_all(struct sweep *s, struct err *err)
{
	if (!goes_on(s, sweep_bans(s, err), err) ||
	    !goes_on(s, sweep_pages_of_records(s, err), err) ||
	    sweep_sessions(s, err) != 0)
		return -1;
	if (s->first.code == ERR_NONE || s->removed >= s->limit)
		return 0;
	*err = s->first;
	return -1;
}

int
store_redis_sweep(void *conn, const struct call *c, size_t limit,
		  int64_t *removed, struct err *err)
{
	struct sweep s = { .conn = conn,
			   .a = redis_scratch(),
			   .now_ms = c->now_ms,
			   .limit =
			       limit > INT32_MAX ? INT32_MAX : (int64_t)limit };
	int result;

	if (s.a == NULL)
		return err_nomem(err);
	result = sweep_all(&s, err);
	arena_free(s.a);
	if (result == 0)
		*removed = s.removed;
	return result;
}
