/* SPDX-License-Identifier: MIT */
/* The operations on all sessions of a user, or of all users, of the Redis
 * store. */
#include "strategy/session_id.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <string.h>

/* How many sessions one script reads; it blocks the server meanwhile. */
#define SOME STR("1000")

/* Visits the sessions of a user, newest first, page by page. Sessions that are
 * created meanwhile are newer than the page and are not visited. */
struct walk {
	struct redis_batch b; /* for one step at a time */
	struct str user, shard;
	struct str from; /* "+", then "(" and the last entry */
	bool more;
};

static int
walk_begin(struct walk *w, struct redis_conn *conn, struct str user,
	   struct err *err)
{
	struct arena *a = redis_scratch();

	if (a == NULL)
		return err_nomem(err);
	*w = (struct walk){ .b = redis_batch(conn, a, 1),
			    .user = user,
			    .from = STR("+"),
			    .more = true };
	w->shard = redis_shard(&w->b, session_shard_of(user));
	return 0;
}

static void
walk_end(struct walk *w)
{
	arena_free(w->b.a);
}

static struct str
walk_index(struct walk *w, const char *kind, struct str name)
{
	return redis_join(&w->b, REDIS_ARGS(w->shard, str_from(kind), name));
}

/* Continues below `last`, which is empty after the last page. */
static void
walk_on(struct walk *w, struct str last)
{
	w->from = redis_join(&w->b, REDIS_ARGS(STR("("), last));
	w->more = last.n > 0;
}

static int
end_page(struct walk *w, struct str except, int64_t *ended, struct err *err)
{
	const redisReply *r;

	(void)redis_add_script_keys(
	    &w->b, LUA_REVOKE_USER, walk_index(w, "u:", w->user), 2,
	    REDIS_ARGS(walk_index(w, "sessions", STR("")),
		       walk_index(w, "ends", STR("")), w->user, w->from, SOME,
		       w->shard, except));
	if (redis_batch_run(&w->b, err) != 0)
		return -1;
	r = w->b.replies[0];
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
	    r->element[0]->type != REDIS_REPLY_INTEGER ||
	    r->element[1]->type != REDIS_REPLY_STRING)
		return redis_damaged("answer", err);
	*ended += r->element[0]->integer;
	walk_on(w, (struct str){ .p = r->element[1]->str,
				 .n = r->element[1]->len });
	return 0;
}

int
store_redis_revoke_user(void *conn, const struct call *c, struct str user,
			const struct session_id *except, int64_t *ended,
			struct err *err)
{
	struct str stays = STR("");
	struct walk w;
	int64_t n = 0;
	int result = 0;

	(void)c;
	if (walk_begin(&w, conn, user, err) != 0)
		return -1;
	if (except != NULL)
		stays = redis_id(&w.b, except);
	while (result == 0 && w.more)
		result = end_page(&w, stays, &n, err);
	walk_end(&w);
	if (result == 0)
		*ended = n;
	return result;
}

static int
trim_page(struct walk *w, struct str now, int64_t *room, int64_t *ended,
	  struct err *err)
{
	const redisReply *r;

	(void)redis_add_script_keys(
	    &w->b, LUA_TRIM, walk_index(w, "u:", w->user), 2,
	    REDIS_ARGS(walk_index(w, "sessions", STR("")),
		       walk_index(w, "ends", STR("")), w->user, w->from, SOME,
		       w->shard, now, redis_number(&w->b, *room)));
	if (redis_batch_run(&w->b, err) != 0)
		return -1;
	r = w->b.replies[0];
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 3 ||
	    r->element[0]->type != REDIS_REPLY_INTEGER ||
	    r->element[1]->type != REDIS_REPLY_INTEGER ||
	    r->element[2]->type != REDIS_REPLY_STRING)
		return redis_damaged("answer", err);
	*room = r->element[0]->integer;
	*ended += r->element[1]->integer;
	walk_on(w, (struct str){ .p = r->element[2]->str,
				 .n = r->element[2]->len });
	return 0;
}

int
redis_trim(struct redis_conn *conn, const struct call *c, struct str user,
	   int64_t room, int64_t *ended, struct err *err)
{
	struct walk w;
	struct str now;
	int result = 0;

	if (walk_begin(&w, conn, user, err) != 0)
		return -1;
	now = redis_time(&w.b, c->now_ms);
	while (result == 0 && w.more)
		result = trim_page(&w, now, &room, ended, err);
	walk_end(&w);
	return result;
}

/* Runs LUA_IDENTITY or LUA_MARK, whose arguments behind the user are args. */
static int
change_all(struct walk *w, size_t script, const struct str args[2],
	   struct err *err)
{
	struct str last;

	while (w->more) {
		(void)redis_add_script(&w->b, script,
				       walk_index(w, "u:", w->user),
				       REDIS_ARGS(w->from, SOME, w->shard,
						  w->user, args[0], args[1]));
		if (redis_batch_run(&w->b, err) != 0 ||
		    redis_get_text(&w->b, 0, &last, err) != 0)
			return -1;
		walk_on(w, last);
	}
	return 0;
}

int
store_redis_update_user(void *conn, const struct call *c,
			const struct identity *who, struct err *err)
{
	struct str args[2] = { STR(""), STR("") };
	struct walk w;
	int result;

	(void)c;
	if (walk_begin(&w, conn, who->name, err) != 0)
		return -1;
	args[0] = redis_record_who(&w.b, who);
	result = change_all(&w, LUA_IDENTITY, args, err);
	walk_end(&w);
	return result;
}

int
store_redis_remark(void *conn, const struct call *c, const struct remark *m,
		   struct err *err)
{
	const struct str nul = { .p = "", .n = 1 };
	struct str args[2];
	struct walk w;
	int result;

	(void)c;
	if (walk_begin(&w, conn, m->user, err) != 0)
		return -1;
	args[0] = redis_join(&w.b, REDIS_ARGS(nul, redis_mark(&w.b, &m->from)));
	args[1] = redis_mark(&w.b, &m->to);
	result = change_all(&w, LUA_MARK, args, err);
	walk_end(&w);
	return result;
}

struct ending {
	struct redis_conn *conn;
	int64_t n;
};

/* Reads the id from P{XX}s:ID. */
static bool
user_sessions_parse_key(struct str key, size_t prefix, struct session_id *id)
{
	const struct str kind = STR("}s:");
	struct str rest = str_skip(key, prefix + strlen("{XX"));

	return str_starts(rest, kind) && rest.n == kind.n + REDIS_ID_LEN &&
	       hex_decode(str_skip(rest, kind.n), id->b, sizeof(id->b));
}

static int
end_keys_in(struct redis_batch *b, struct ending *e, struct err *err)
{
	const size_t count = b->n;
	int64_t was;

	if (redis_batch_run(b, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (redis_get_number(b, i, &was, err) != 0)
			return -1;
		e->n += was;
	}
	return 0;
}

/* Ends the sessions of a page of keys, whether or not they have entries. */
static int
end_keys(void *ctx, const struct str *keys, size_t n, struct err *err)
{
	struct ending *e = ctx;
	struct arena *a = redis_scratch();
	struct redis_batch b;
	struct session_id id;
	int result;

	if (a == NULL)
		return err_nomem(err);
	b = redis_batch(e->conn, a, n);
	for (size_t i = 0; i < n; i++)
		if (user_sessions_parse_key(keys[i], redis_prefix(e->conn).n,
					    &id))
			redis_revoke(&b, &id);
	result = end_keys_in(&b, e, err);
	arena_free(a);
	return result;
}

int
store_redis_revoke_all(void *conn, const struct call *c, int64_t *ended,
		       struct err *err)
{
	struct ending e = { .conn = conn };

	(void)c;
	if (redis_scan(conn, STR("{"), end_keys, &e, err) != 0)
		return -1;
	*ended = e.n;
	return 0;
}
