/* SPDX-License-Identifier: MIT */
/* Many sessions of the Redis store: of a user, of all; listings. */
#include "backends/redis/records.h"

#include <string.h>

/* A walk over the sessions of a user, newest first, a page at a time; those
 * that come meanwhile are newer than where it is. */
struct walk {
	struct redis_link *l;
	struct arena *a; /* of one page */
	struct str user;
	struct session *v; /* id, created_ms, who.name */
	size_t n;
	char last[REDIS_ENTRY_LEN + 2]; /* what the next page is below */
	size_t nlast;
};

/* False in *more: there was no page any more. */
static int
next_page(struct walk *w, bool *more, struct err *err)
{
	struct redis_batch b;
	const struct str *texts;
	size_t n;

	arena_reset(w->a);
	b = redis_batch(w->l, w->a, 1);
	(void)redis_add(&b, "ZREVRANGEBYLEX", redis_key(&b, "u:", w->user),
			REDIS_ARGS({ .p = w->last, .n = w->nlast }, STR("-"),
				   STR("LIMIT"), STR("0"),
				   redis_number(&b, REDIS_PAGE)));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_texts(&b, 0, &texts, &n, err) != 0 ||
	    redis_get_entries(&b, 0, &w->v, &w->n, err) != 0)
		return -1;
	*more = n > 0;
	if (n == 0)
		return 0;
	if (texts[n - 1].n >= sizeof(w->last))
		return redis_damaged("index", err);
	w->last[0] = '(';
	memcpy(w->last + 1, texts[n - 1].p, texts[n - 1].n);
	w->nlast = 1 + texts[n - 1].n;
	for (size_t i = 0; i < w->n; i++)
		w->v[i].who.name = w->user;
	return 0;
}

static int
walk(struct redis_link *l, struct str user,
     int (*fn)(const struct walk *w, void *ctx, struct err *err), void *ctx,
     struct err *err)
{
	struct walk w = { .l = l,
			  .a = redis_scratch(),
			  .user = user,
			  .last = "+",
			  .nlast = 1 };
	bool more = true;
	int result = 0;

	if (w.a == NULL)
		return err_nomem(err);
	while (result == 0 && more) {
		result = next_page(&w, &more, err);
		if (result == 0 && more)
			result = fn(&w, ctx, err);
	}
	arena_free(w.a);
	return result;
}

struct ending {
	const struct session_id *except; /* NULL: none */
	struct redis_link *l;
	int64_t n;
};

static int
end_page(const struct walk *w, void *ctx, struct err *err)
{
	struct ending *e = ctx;
	struct redis_sessions of = { .l = w->l, .a = w->a, .v = w->v };

	for (size_t i = 0; i < w->n; i++)
		if (e->except == NULL ||
		    memcmp(&w->v[i].id, e->except, sizeof(*e->except)) != 0)
			w->v[of.n++] = w->v[i];
	return redis_end(&of, INT64_MIN, &e->n, err);
}

int
store_redis_revoke_user(void *conn, const struct call *c, struct str user,
			const struct session_id *except, int64_t *ended,
			struct err *err)
{
	struct ending e = { .except = except };

	(void)c;
	if (walk(conn, user, end_page, &e, err) != 0)
		return -1;
	*ended = e.n;
	return 0;
}

/* Keys of sessions, whatever the indices know. */
static int
end_keys(void *ctx, const struct str *keys, size_t n, struct err *err)
{
	struct ending *e = ctx;
	size_t before = redis_prefix(e->l).n + strlen("s:{");
	struct redis_sessions of = { .l = e->l, .a = redis_scratch() };
	struct session *v;
	int result;

	if (of.a == NULL)
		return err_nomem(err);
	v = arena_array(of.a, n, sizeof(*v));
	for (size_t i = 0; v != NULL && i < n; i++) {
		struct str id = str_skip(keys[i], before);

		if (id.n == REDIS_ID_LEN + 1)
			of.n += hex_decode((struct str){ .p = id.p,
							 .n = REDIS_ID_LEN },
					   v[of.n].id.b, sizeof(v[of.n].id.b));
	}
	of.v = v;
	result =
	    v == NULL ? err_nomem(err) : redis_end(&of, INT64_MIN, &e->n, err);
	arena_free(of.a);
	return result;
}

int
store_redis_revoke_all(void *conn, const struct call *c, int64_t *ended,
		       struct err *err)
{
	struct ending e = { .l = conn };

	(void)c;
	if (redis_scan(conn, STR("s:{"), end_keys, &e, err) != 0)
		return -1;
	*ended = e.n;
	return 0;
}

static int
update_page(const struct walk *w, void *ctx, struct err *err)
{
	const struct identity *who = ctx;
	struct redis_batch b = redis_batch(w->l, w->a, w->n);
	const struct str name = redis_join(
	    &b, REDIS_ARGS(who->name, { .p = "", .n = 1 }));
	const struct str all = redis_record_who(&b, who);

	for (size_t i = 0; i < w->n; i++)
		(void)redis_add_script(
		    &b, LUA_WHO,
		    redis_key_session(&b, redis_id(&b, &w->v[i].id)),
		    REDIS_ARGS(name, all));
	return redis_batch_run(&b, err);
}

int
store_redis_update_user(void *conn, const struct call *c,
			const struct identity *who, struct err *err)
{
	struct identity copy = *who; /* fn takes no const */

	(void)c;
	return walk(conn, who->name, update_page, &copy, err);
}

static int
remark_page(const struct walk *w, void *ctx, struct err *err)
{
	const struct remark *m = ctx;
	const struct str nul = { .p = "", .n = 1 };
	struct redis_batch b = redis_batch(w->l, w->a, w->n);
	const struct str name = redis_join(&b, REDIS_ARGS(w->user, nul));
	const struct str from =
	    redis_join(&b, REDIS_ARGS(nul, redis_mark(&b, &m->from)));
	const struct str to = redis_mark(&b, &m->to);

	for (size_t i = 0; i < w->n; i++)
		(void)redis_add_script(
		    &b, LUA_MARK,
		    redis_key_session(&b, redis_id(&b, &w->v[i].id)),
		    REDIS_ARGS(name, from, to));
	return redis_batch_run(&b, err);
}

int
store_redis_remark(void *conn, const struct call *c, const struct remark *m,
		   struct err *err)
{
	struct remark copy = *m; /* fn takes no const */

	(void)c;
	return walk(conn, m->user, remark_page, &copy, err);
}

/* A listing on its way. */
struct listing {
	struct redis_link *l;
	struct arena *a;
	struct str user; /* p NULL: of all */
	int64_t now_ms;
	size_t limit;
	struct str from; /* where the next page begins */
	struct session_list list;
	bool more; /* there is one past the limit */
};

/* Read again so often when sessions of a page were gone: whoever ends one to
 * make room for another takes it out of the index first. */
#define TRIES 5

/* One past the limit only sets m->more. */
static int
take(struct listing *m, struct str record, const struct session *entry,
     struct err *err)
{
	struct session s = { .id = entry->id };
	struct str own;

	if (arena_copy(m->a, record, &own) != 0)
		return err_nomem(err);
	redis_record_parse(own, &s);
	if (s.damage != NULL)
		s.created_ms = entry->created_ms;
	else if (!redis_is_alive(&s, m->now_ms) ||
		 s.created_ms != entry->created_ms ||
		 (m->user.p != NULL && !str_eq(s.who.name, m->user)))
		return 0;
	if (m->list.n < m->limit)
		m->list.v[m->list.n++] = s;
	else
		m->more = true;
	return 0;
}

static int
take_page(struct listing *m, const struct session *v, size_t n, bool *gone,
	  struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, n);

	*gone = false;
	for (size_t i = 0; i < n; i++)
		(void)redis_add_script(
		    &b, LUA_READ, redis_key_session(&b, redis_id(&b, &v[i].id)),
		    NULL, 0);
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < n && !m->more; i++) {
		struct str record;

		if (redis_get_text(&b, i, &record, err) != 0)
			return -1;
		*gone = *gone || record.p == NULL;
		if (record.p != NULL && take(m, record, &v[i], err) != 0)
			return -1;
	}
	return 0;
}

/* The entries below m->from, *n of them: fewer than `most` at the end. */
static int
read_page(struct listing *m, size_t most, bool *gone, size_t *n,
	  struct str *last, struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, 1);
	const struct str *texts;
	struct session *v;
	size_t nv;

	(void)redis_add(&b, "ZREVRANGEBYLEX",
			m->user.p == NULL ? redis_key(&b, "sessions", STR(""))
					  : redis_key(&b, "u:", m->user),
			REDIS_ARGS(m->from, STR("[0"), STR("LIMIT"), STR("0"),
				   redis_number(&b, (int64_t)most)));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_texts(&b, 0, &texts, n, err) != 0 ||
	    redis_get_entries(&b, 0, &v, &nv, err) != 0)
		return -1;
	*last = *n == 0 ? m->from
			: redis_join(&b, REDIS_ARGS(STR("("), texts[*n - 1]));
	return b.failed ? err_nomem(err) : take_page(m, v, nv, gone, err);
}

static int
collect(struct listing *m, struct err *err)
{
	size_t most, n;

	do {
		size_t before = m->list.n;
		struct str last;
		bool gone = true;

		most = m->limit - before + 1;
		if (most > REDIS_PAGE)
			most = REDIS_PAGE;
		for (int tries = TRIES; gone && tries > 0; tries--) {
			m->list.n = before;
			m->more = false;
			if (read_page(m, most, &gone, &n, &last, err) != 0)
				return -1;
		}
		m->from = last;
	} while (n == most && !m->more);
	return 0;
}

/* Where a cursor stands; an empty one is above all. */
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
	/* Only makes texts. */
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	struct listing m = { .l = conn,
			     .a = c->arena,
			     .user = q->user,
			     .now_ms = c->now_ms,
			     .limit = q->limit,
			     .from = cursor_entry(&b, cursor) };

	m.list.v = arena_array(c->arena, q->limit, sizeof(*m.list.v));
	if (b.failed || m.list.v == NULL)
		return err_nomem(err);
	if (collect(&m, err) != 0)
		return -1;
	cursor->more = m.more;
	if (m.list.n > 0) {
		cursor->created_ms = m.list.v[m.list.n - 1].created_ms;
		cursor->id = m.list.v[m.list.n - 1].id;
	}
	*out = m.list;
	return 0;
}
