/* SPDX-License-Identifier: MIT */
/* Listings of the Redis store. */
#include "strategy/session_id.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <string.h>

/* How many entries of all shards are read together: the entries in one round
 * trip to each server, their records in one for each REDIS_PAGE. */
#define PAGE_MAX 1000

/* The state of a listing. */
struct listing {
	struct redis_conn *conn;
	struct arena *a; /* of the caller */
	const struct session_query *q;
	int64_t now_ms;
	struct str from; /* the next page begins here */
	struct session_list list;
	bool more; /* there is a session past the limit */
};

/* Adds a live session to the list; one past the limit sets m->more instead. */
static void
lists_take(struct listing *m, struct str entry, struct str record)
{
	struct session at, s;

	if (record.p == NULL || !redis_entry_parse(entry, &at))
		return;
	s = (struct session){ .id = at.id };
	redis_record_parse(record, &s);
	if (s.damage != NULL)
		s.created_ms = at.created_ms;
	else if (!redis_is_alive(&s, m->now_ms) ||
		 s.created_ms != at.created_ms ||
		 (m->q->user.p != NULL && !str_eq(s.who.name, m->q->user)))
		return;
	if (m->list.n < m->q->limit)
		m->list.v[m->list.n++] = s;
	else
		m->more = true;
}

/* Returns how many sessions to read next, including one past the limit. */
static size_t
missing(const struct listing *m, size_t most)
{
	size_t n = m->q->limit - m->list.n;

	return n < most ? n + 1 : most;
}

static int
go_on_below(struct listing *m, struct str entry, struct err *err)
{
	struct redis_batch b = redis_batch(m->conn, m->a, 1); /* for texts */

	m->from = redis_join(&b, REDIS_ARGS(STR("("), entry));
	return b.failed ? err_nomem(err) : 0;
}

static int
collect_user(struct listing *m, struct err *err)
{
	const uint8_t shard = session_shard_of(m->q->user);
	const struct str *v;
	size_t most, n;

	do {
		struct redis_batch b = redis_batch(m->conn, m->a, 1);

		most = missing(m, REDIS_PAGE);
		(void)redis_add_script(
		    &b, LUA_LIST, redis_index(&b, shard, "u:", m->q->user),
		    REDIS_ARGS(m->from, redis_number(&b, (int64_t)most),
			       redis_shard(&b, shard)));
		if (redis_batch_run(&b, err) != 0 ||
		    redis_get_texts(&b, 0, &v, &n, err) != 0)
			return -1;
		for (size_t i = 0; i + 1 < n && !m->more; i += 2)
			lists_take(m, v[i], v[i + 1]);
		if (n > 1 && go_on_below(m, v[n - 2], err) != 0)
			return -1;
	} while (n == 2 * most && !m->more);
	return 0;
}

/* The newest entries of a shard that are not merged yet. */
struct head {
	const struct str *v;
	size_t n, at;
	bool whole; /* the shard has no other entries below them */
};

/* Each shard has two heads: that of its pages, and that of `sessions`. */
#define HEADS (2 * SESSION_SHARDS)

/* The newest entries of all shards, in order. */
struct merge {
	struct redis_conn *conn;
	struct arena *a; /* of the page */
	struct head *heads; /* HEADS */
	struct str *v; /* PAGE_MAX + 1 */
	size_t n;
};

static bool
is_of_pages(size_t head)
{
	return head % 2 == 0;
}

static struct str
head_key(struct redis_batch *b, size_t head, const char *kind, struct str name)
{
	return redis_index(b, (uint8_t)(head / 2), kind, name);
}

/* Where ids begin, in the pages and in the index of pages: "+", or "(" and an
 * id. */
struct lists_bound {
	struct str bytes, name;
};

/* Returns where the ids of entries below `from` begin, if the ids begin with
 * created_ms. */
static struct lists_bound
page_bound(struct redis_batch *b, struct str from)
{
	struct session at = { .created_ms = 0 };
	struct session_id id;
	int64_t time_ms;

	if (!redis_entry_parse(str_skip(from, 1), &at))
		return (struct lists_bound){ STR("+"), STR("+") };
	time_ms = session_id_time_ms(&at.id);
	id = at.id;
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(at.created_ms >> (40 - 8 * i));
	if (session_id_time_ms(&id) != at.created_ms)
		return (struct lists_bound){ STR("+"), STR("+") };
	if (time_ms != at.created_ms)
		memset(id.b + 6, time_ms > at.created_ms ? 0xff : 0,
		       sizeof(id.b) - 6);
	return (struct lists_bound){
		.bytes = redis_join(b, REDIS_ARGS(STR("("),
						  { .p = (const char *)id.b,
						    .n = sizeof(id.b) })),
		.name = redis_join(b, REDIS_ARGS(STR("("), redis_id(b, &id))),
	};
}

static void
ask_range(struct redis_batch *b, struct str key, struct str from, size_t most)
{
	(void)redis_add(b, "ZREVRANGEBYLEX", key,
			REDIS_ARGS(from, STR("-"), STR("LIMIT"), STR("0"),
				   redis_number(b, (int64_t)most)));
}

static void
ask_head(struct redis_batch *b, size_t head, struct str from, size_t most)
{
	struct lists_bound below;

	if (!is_of_pages(head)) {
		ask_range(b, head_key(b, head, "sessions", STR("")), from,
			  most);
		return;
	}
	below = page_bound(b, from);
	(void)redis_add_script(b, LUA_NEWEST,
			       head_key(b, head, "pages", STR("")),
			       REDIS_ARGS(below.name, below.bytes,
					  redis_number(b, (int64_t)most),
					  redis_shard(b, (uint8_t)(head / 2))));
}

/* Replaces the bytes of each id by its entry. Sets *ok to false if there is
 * something else. */
static int
expand_ids(struct merge *g, struct head *h, bool *ok, struct err *err)
{
	struct redis_batch b = redis_batch(g->conn, g->a, 1); /* for texts */
	struct str *v = arena_array(g->a, h->n, sizeof(*v));

	if (v == NULL)
		return err_nomem(err);
	*ok = true;
	for (size_t i = 0; i < h->n; i++) {
		struct session s = { .created_ms = 0 };

		if (h->v[i].n != sizeof(s.id.b)) {
			*ok = false;
			continue;
		}
		memcpy(s.id.b, h->v[i].p, sizeof(s.id.b));
		s.created_ms = session_id_time_ms(&s.id);
		v[i] = redis_entry(&b, &s);
	}
	h->v = v;
	return b.failed ? err_nomem(err) : 0;
}

/* Reads the i-th reply, to ask_head(). */
static int
read_head(struct merge *g, const struct redis_batch *b, size_t i, size_t head,
	  size_t most, struct err *err)
{
	struct head *h = &g->heads[head];
	bool ok = true;

	h->at = 0;
	if (redis_get_texts(b, i, &h->v, &h->n, err) != 0 ||
	    (is_of_pages(head) && expand_ids(g, h, &ok, err) != 0))
		return -1;
	h->whole = h->n < most;
	return ok ? 0 : redis_damaged("list", err);
}

/* The newest two pages of a shard. */
struct names {
	const struct str *v;
	size_t n;
	bool again; /* the first one is not enough */
};

/* Asks for the names of the pages, and the entries of `sessions`. */
static int
ask_names(struct merge *g, struct str from, size_t each, struct names *names,
	  struct err *err)
{
	struct redis_batch b = redis_batch(g->conn, g->a, HEADS);
	const struct lists_bound below = page_bound(&b, from);

	for (size_t i = 0; i < HEADS; i++) {
		if (is_of_pages(i))
			ask_range(&b, head_key(&b, i, "pages", STR("")),
				  below.name, 2);
		else
			ask_head(&b, i, from, each);
	}
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < HEADS; i++) {
		struct names *p = &names[i / 2];

		if ((is_of_pages(i) ?
			 redis_get_texts(&b, i, &p->v, &p->n, err) :
			 read_head(g, &b, i, i, each, err)) != 0)
			return -1;
	}
	return 0;
}

/* Reads the newest page of each shard. If it has fewer entries, and is not the
 * only one, or has something else, the shard must be asked again. */
static int
ask_first_pages(struct merge *g, struct str from, size_t each,
		struct names *names, struct err *err)
{
	struct redis_batch b = redis_batch(g->conn, g->a, SESSION_SHARDS);
	const struct lists_bound below = page_bound(&b, from);
	size_t at = 0;

	for (size_t i = 0; i < HEADS; i += 2)
		if (names[i / 2].n > 0)
			ask_range(&b, head_key(&b, i, "p:", names[i / 2].v[0]),
				  below.bytes, each);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < HEADS; i += 2) {
		struct head *h = &g->heads[i];
		struct names *p = &names[i / 2];
		bool ok;

		*h = (struct head){ .whole = true };
		if (p->n == 0)
			continue;
		if (redis_get_texts(&b, at++, &h->v, &h->n, err) != 0 ||
		    expand_ids(g, h, &ok, err) != 0)
			return -1;
		h->whole = h->n < each;
		p->again = !ok || (h->whole && p->n > 1);
	}
	return 0;
}

static int
ask_other_pages(struct merge *g, struct str from, size_t each,
		const struct names *names, struct err *err)
{
	struct redis_batch b = redis_batch(g->conn, g->a, SESSION_SHARDS);
	size_t at = 0;

	for (size_t i = 0; i < HEADS; i += 2)
		if (names[i / 2].again)
			ask_head(&b, i, from, each);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < HEADS; i += 2)
		if (names[i / 2].again &&
		    read_head(g, &b, at++, i, each, err) != 0)
			return -1;
	return 0;
}

/* Reads enough entries of each shard for `most` together, unless they are in
 * few shards. Commands cost the server less than a script. */
static int
ask_all(struct merge *g, struct str from, size_t most, struct err *err)
{
	const size_t each = most / 64 + 4;
	struct names *names = arena_array(g->a, SESSION_SHARDS, sizeof(*names));

	if (names == NULL)
		return err_nomem(err);
	if (ask_names(g, from, each, names, err) != 0 ||
	    ask_first_pages(g, from, each, names, err) != 0)
		return -1;
	return ask_other_pages(g, from, each, names, err);
}

/* Reads more entries of a shard whose entries have been merged. */
static int
ask_again(struct merge *g, size_t head, size_t most, struct err *err)
{
	struct head *h = &g->heads[head];
	struct redis_batch b = redis_batch(g->conn, g->a, 1);
	struct str from = redis_join(&b, REDIS_ARGS(STR("("), h->v[h->n - 1]));

	ask_head(&b, head, from, most);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return read_head(g, &b, 0, head, most, err);
}

/* Returns the head with the newest entry, or HEADS if none is left. */
static size_t
newest(const struct merge *g)
{
	size_t best = HEADS;

	for (size_t i = 0; i < HEADS; i++) {
		const struct head *h = &g->heads[i];

		if (h->at < h->n &&
		    (best == HEADS ||
		     str_order(h->v[h->at],
			       g->heads[best].v[g->heads[best].at]) > 0))
			best = i;
	}
	return best;
}

/* Sets g->v to at most `most` entries below `from`. Fewer are the last
 * ones. */
static int
merge(struct merge *g, struct str from, size_t most, struct err *err)
{
	size_t i;

	g->heads = arena_array(g->a, HEADS, sizeof(*g->heads));
	g->v = arena_array(g->a, most, sizeof(*g->v));
	if (g->heads == NULL || g->v == NULL)
		return err_nomem(err);
	if (ask_all(g, from, most, err) != 0)
		return -1;
	while (g->n < most && (i = newest(g)) < HEADS) {
		struct head *h = &g->heads[i];

		/* A session may be in both indices of its shard. */
		if (g->n == 0 || !str_eq(h->v[h->at], g->v[g->n - 1]))
			g->v[g->n++] = h->v[h->at];
		h->at++;
		if (h->at == h->n && !h->whole && g->n < most &&
		    ask_again(g, i, most - g->n, err) != 0)
			return -1;
	}
	return 0;
}

static void
ask_record(struct redis_batch *b, const struct session_id *id)
{
	(void)redis_add_script(
	    b, LUA_READ, redis_key_session(b, id),
	    REDIS_ARGS(redis_id(b, id), redis_shard(b, session_id_shard(id))));
}

/* Reads the sessions of the entries, REDIS_PAGE at a time. */
static int
take_all(struct listing *m, const struct merge *g, struct err *err)
{
	for (size_t done = 0; done < g->n && !m->more; done += REDIS_PAGE) {
		const size_t n =
		    g->n - done < REDIS_PAGE ? g->n - done : REDIS_PAGE;
		const struct str *v = g->v + done;
		struct redis_batch b = redis_batch(m->conn, g->a, n);

		for (size_t i = 0; i < n; i++) {
			struct session s = { .created_ms = 0 };

			/* A damaged entry gives a key that does not
			 * exist. */
			(void)!redis_entry_parse(v[i], &s);
			ask_record(&b, &s.id);
		}
		if (redis_batch_run(&b, err) != 0)
			return -1;
		for (size_t i = 0; i < n && !m->more; i++) {
			struct str record, own = { .p = NULL };

			if (redis_get_text(&b, i, &record, err) != 0)
				return -1;
			if (record.p != NULL &&
			    arena_copy(m->a, record, &own) != 0)
				return err_nomem(err);
			lists_take(m, v[i], own);
		}
	}
	return 0;
}

static int
collect_page(struct listing *m, struct arena *page, bool *last, struct err *err)
{
	struct merge g = { .conn = m->conn, .a = page };
	const size_t most = missing(m, PAGE_MAX);

	if (merge(&g, m->from, most, err) != 0 || take_all(m, &g, err) != 0)
		return -1;
	*last = g.n < most;
	return *last ? 0 : go_on_below(m, g.v[g.n - 1], err);
}

static int
collect_all(struct listing *m, struct err *err)
{
	struct arena *page = redis_scratch();
	bool last = false;
	int result = page == NULL ? err_nomem(err) : 0;

	while (result == 0 && !last && !m->more) {
		arena_reset(page);
		result = collect_page(m, page, &last, err);
	}
	arena_free(page);
	return result;
}

/* Returns where the next page begins. A zero cursor is above all entries. */
static struct str
cursor_entry(struct redis_batch *b, const struct session_cursor *cursor)
{
	static const struct session_id none;
	const struct session at = { .id = cursor->id,
				    .created_ms = cursor->created_ms };

	if (at.created_ms == 0 && memcmp(&at.id, &none, sizeof(none)) == 0)
		return STR("+");
	return redis_join(b, REDIS_ARGS(STR("("), redis_entry(b, &at)));
}

int
store_redis_list(void *conn, const struct call *c,
		 const struct session_query *q, struct session_cursor *cursor,
		 struct session_list *out, struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1); /* for texts */
	struct listing m = { .conn = conn,
			     .a = c->arena,
			     .q = q,
			     .now_ms = c->now_ms,
			     .from = cursor_entry(&b, cursor) };

	m.list.v = arena_array(c->arena, q->limit, sizeof(*m.list.v));
	if (b.failed || m.list.v == NULL)
		return err_nomem(err);
	if ((q->user.p == NULL ? collect_all(&m, err) :
				 collect_user(&m, err)) != 0)
		return -1;
	cursor->more = m.more;
	if (m.list.n > 0) {
		const struct session *last = &m.list.v[m.list.n - 1];

		cursor->created_ms = last->created_ms;
		cursor->id = last->id;
	}
	*out = m.list;
	return 0;
}
