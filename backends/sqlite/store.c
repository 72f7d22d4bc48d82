/* SPDX-License-Identifier: MIT */
/* Sessions in a SQLite file. */
#include "strategy/clock.h"
#include "strategy/session_check.h"
#include "backends/sqlite/store_internal.h"
#include "backends/sqlite/store_sql.h"

#include <string.h>

static const char *const steps[] = {
#include "backends/sqlite/store_schema.inc"
};

static const struct sqlite_spec spec = {
	.component = "store",
	.steps = steps,
	.nsteps = ARRAY_LEN(steps),
	.sql = sqlite_store_sql,
	.nsql = STORE_SQL_END,
	.probe = STORE_SQL_PROBE,
};

#define ID(id)	       SQL_BLOB((id)->b, sizeof((id)->b))
#define COLUMN_WRAPPED 16 /* after the columns of a session */

/* A feed that is further behind reports CHANGE_ALL. At most so many changes are
 * removed at once. */
#define CHANGES_KEPT  10000
#define CHANGES_SWEPT 50000

static int
store_sqlite_open(const void *conf, const struct env *env, void **store,
		  struct err *err)
{
	return sqlite_file_open(&spec, conf, env, store, err);
}

static int
sqlite_store_keep_secret(struct sqlite_conn *conn, struct str name,
			 uint8_t value[32], struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int64_t added;
	bool row;
	int result;

	if (sqlite_change(conn, STORE_SQL_SECRET_KEEP,
			  SQL_ARGS(SQL_TEXT(name), SQL_BLOB(value, 32)), &added,
			  err) != 0 ||
	    sqlite_query(conn, STORE_SQL_SECRET_GET, SQL_ARGS(SQL_TEXT(name)),
			 &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &row, err) != 0)
		return -1;
	if (!row)
		return err_set(err, ERR_INTERNAL, "secret was not kept");
	result = sqlite_get_blob(stmt, 0, value, 32, err);
	sqlite_finish(stmt);
	return result;
}

static int
store_sqlite_secret(void *conn, const struct call *c, const char *name,
		    uint8_t value[32], struct err *err)
{
	uint8_t kept[32];

	(void)c;
	memcpy(kept, value, sizeof(kept));
	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn,
		       sqlite_store_keep_secret(conn, str_from(name), kept,
						err),
		       err) != 0)
		return -1;
	memcpy(value, kept, sizeof(kept));
	return 0;
}

static int
sqlite_store_insert(struct sqlite_conn *conn, const struct session *s,
		    struct err *err)
{
	const struct identity *who = &s->who;
	int64_t n;

	return sqlite_change(
	    conn, STORE_SQL_CREATE,
	    SQL_ARGS(ID(&s->id), ID(&s->token), SQL_TEXT(who->name),
		     SQL_TEXT(who->roles), SQL_TEXT(who->email),
		     SQL_TEXT(who->full_name), SQL_INT(s->created_ms),
		     SQL_INT(s->last_seen_ms), SQL_INT(s->idle_expires_ms),
		     SQL_INT(s->expires_ms), SQL_INT(s->remember),
		     SQL_TEXT(s->address), SQL_TEXT(s->user_agent),
		     SQL_INT(s->generation), sqlite_mark_arg(&s->mark),
		     SQL_INT(s->auth_ms)),
	    &n, err);
}

static int
sqlite_store_make_room(struct sqlite_conn *conn, const struct session *s,
		       int64_t max, int64_t now_ms, int64_t *evicted,
		       struct err *err)
{
	if (max <= 0) {
		*evicted = 0;
		return 0;
	}
	return sqlite_change(conn, STORE_SQL_MAKE_ROOM,
			     SQL_ARGS(SQL_TEXT(s->who.name), SQL_INT(now_ms),
				      SQL_INT(max - 1), ID(&s->id)),
			     evicted, err);
}

static int
store_sqlite_create(void *conn, const struct call *c,
		    const struct session *session, int64_t max_per_user,
		    int64_t *evicted, struct err *err)
{
	int64_t n = 0;
	int result;

	if (sqlite_begin(conn, err) != 0)
		return -1;
	result = sqlite_store_insert(conn, session, err);
	if (result == 0)
		result = sqlite_store_make_room(conn, session, max_per_user,
						c->now_ms, &n, err);
	if (sqlite_end(conn, result, err) != 0)
		return -1;
	*evicted = n;
	return 0;
}

static int
store_sqlite_find(void *conn, const struct call *c, const struct session_id *id,
		  const struct token_hash *token, struct session_answer *out,
		  struct err *err)
{
	struct session_answer is = { .found = false };
	sqlite3_stmt *stmt = NULL;
	int result = 0;

	if (sqlite_query(conn,
			 token != NULL ? STORE_SQL_FIND : STORE_SQL_FIND_ID,
			 (const struct sqlite_arg[]){
			     ID(id), SQL_INT(c->now_ms),
			     SQL_BLOB(token != NULL ? token->b : NULL,
				      sizeof(token->b)) },
			 token != NULL ? 3 : 2, &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &is.found, err) != 0)
		return -1;
	if (is.found) {
		result = sqlite_get_session(stmt, c->arena, &is.session, err);
		sqlite_finish(stmt);
	}
	if (result == 0)
		*out = is;
	return result;
}

/* This is the only write that a power failure may undo: a lost touch only makes
 * a session end sooner, and touches are too frequent to wait for the disk. */
static int
store_sqlite_touch(void *conn, const struct call *c, const struct touch *t,
		   struct err *err)
{
	struct err second;
	int64_t n;
	int result;

	(void)c;
	if (sqlite_relax(conn, true, err) != 0)
		return -1;
	result = sqlite_change(conn, STORE_SQL_TOUCH,
			       SQL_ARGS(ID(&t->id), SQL_INT(t->last_seen_ms),
					SQL_INT(t->idle_expires_ms)),
			       &n, err);
	if (sqlite_relax(conn, false, result == 0 ? err : &second) != 0)
		return -1;
	return result;
}

static bool
sqlite_store_has_successor(enum rotate_answer answer)
{
	return answer == ROTATE_DONE || answer == ROTATE_GRACE;
}

/* Reads the only row of a statement of the rotation: the session after the
 * step. */
static int
get_outcome(struct sqlite_conn *conn, sqlite3_stmt *stmt, struct arena *a,
	    struct rotated *out, struct err *err)
{
	bool more;

	if (sqlite_get_session(stmt, a, &out->session, err) != 0 ||
	    session_refuse_damaged(&out->session, err) != 0 ||
	    (sqlite_store_has_successor(out->answer) &&
	     sqlite_get_blob(stmt, COLUMN_WRAPPED, out->wrapped,
			     sizeof(out->wrapped), err) != 0)) {
		sqlite_finish(stmt);
		return -1;
	}
	/* It may be committed only when it has finished. */
	return sqlite_next(conn, stmt, &more, err);
}

static int
sqlite_store_rotate(struct sqlite_conn *conn, const struct call *c,
		    const struct rotation *r, struct rotated *out,
		    struct err *err)
{
	static const struct {
		size_t sql, nargs;
		enum rotate_answer answer;
	} tries[] = {
		{ STORE_SQL_ROTATE, 8, ROTATE_DONE },
		{ STORE_SQL_GRACE, 5, ROTATE_GRACE },
		{ STORE_SQL_REUSED, 3, ROTATE_REUSED },
		{ STORE_SQL_FUTURE, 3, ROTATE_FUTURE },
	};
	const struct sqlite_arg args[] = {
		ID(&r->id),
		SQL_INT(c->now_ms),
		SQL_INT(r->generation),
		ID(&r->presented),
		SQL_INT(r->grace_ms),
		ID(&r->next),
		SQL_BLOB(r->wrapped, sizeof(r->wrapped)),
		SQL_INT(later_ms(c->now_ms, r->idle_ms)),
	};

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		sqlite3_stmt *stmt = NULL;
		bool row;

		if (sqlite_query(conn, tries[i].sql, args, tries[i].nargs,
				 &stmt, err) != 0 ||
		    sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (row) {
			out->answer = tries[i].answer;
			return get_outcome(conn, stmt, c->arena, out, err);
		}
	}
	return 0;
}

static int
store_sqlite_rotate(void *conn, const struct call *c, const struct rotation *r,
		    struct rotated *out, struct err *err)
{
	struct rotated is = { .answer = ROTATE_GONE };

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn, sqlite_store_rotate(conn, c, r, &is, err), err) !=
		0)
		return -1;
	*out = is;
	return 0;
}

static int
store_sqlite_revoke(void *conn, const struct call *c,
		    const struct session_id *id, bool *ended, struct err *err)
{
	int64_t n;

	(void)c;
	if (sqlite_change(conn, STORE_SQL_REVOKE, SQL_ARGS(ID(id)), &n, err) !=
	    0)
		return -1;
	*ended = n > 0;
	return 0;
}

static int
store_sqlite_revoke_user(void *conn, const struct call *c, struct str user,
			 const struct session_id *except, int64_t *ended,
			 struct err *err)
{
	(void)c;
	return sqlite_change(
	    conn, STORE_SQL_REVOKE_USER,
	    SQL_ARGS(SQL_TEXT(user), SQL_BLOB(except == NULL ? NULL : except->b,
					      sizeof(except->b))),
	    ended, err);
}

static int
store_sqlite_revoke_all(void *conn, const struct call *c, int64_t *ended,
			struct err *err)
{
	(void)c;
	return sqlite_change(conn, STORE_SQL_REVOKE_ALL, NULL, 0, ended, err);
}

static int
store_sqlite_update_user(void *conn, const struct call *c,
			 const struct identity *who, struct err *err)
{
	int64_t n;

	(void)c;
	return sqlite_change(conn, STORE_SQL_UPDATE_USER,
			     SQL_ARGS(SQL_TEXT(who->name), SQL_TEXT(who->roles),
				      SQL_TEXT(who->email),
				      SQL_TEXT(who->full_name)),
			     &n, err);
}

/* Reads one row more than the page, to know whether there is another page. */
static int
sqlite_store_get_page(struct sqlite_conn *conn, sqlite3_stmt *stmt,
		      struct arena *a, size_t limit, struct session_list *out,
		      struct err *err)
{
	struct session_list list = { .v = arena_array(a, limit + 1,
						      sizeof(*list.v)) };
	bool row;

	if (list.v == NULL) {
		sqlite_finish(stmt);
		return err_nomem(err);
	}
	for (;;) {
		if (sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			break;
		if (sqlite_get_session(stmt, a, &list.v[list.n], err) != 0) {
			sqlite_finish(stmt);
			return -1;
		}
		list.n++;
	}
	*out = list;
	return 0;
}

static int
store_sqlite_list(void *conn, const struct call *c,
		  const struct session_query *q, struct session_cursor *cursor,
		  struct session_list *out, struct err *err)
{
	static const struct session_id none;
	struct session_id before = cursor->id;
	sqlite3_stmt *stmt = NULL;

	if (cursor->created_ms == 0 &&
	    memcmp(&before, &none, sizeof(none)) == 0)
		memset(&before, 0xff, sizeof(before));
	if (sqlite_query(
		conn, q->user.p == NULL ? STORE_SQL_LIST : STORE_SQL_LIST_USER,
		(const struct sqlite_arg[]){ SQL_INT(c->now_ms), ID(&before),
					     SQL_INT((int64_t)q->limit + 1),
					     SQL_TEXT(q->user) },
		q->user.p == NULL ? 3 : 4, &stmt, err) != 0 ||
	    sqlite_store_get_page(conn, stmt, c->arena, q->limit, out, err) !=
		0)
		return -1;
	cursor->more = out->n > q->limit;
	out->n -= cursor->more;
	if (out->n > 0) {
		cursor->created_ms = out->v[out->n - 1].created_ms;
		cursor->id = out->v[out->n - 1].id;
	}
	return 0;
}

static int
sqlite_store_sweep(struct sqlite_conn *conn, int64_t now_ms, int64_t limit,
		   int64_t *removed, struct err *err)
{
	static const size_t sweeps[] = { STORE_SQL_SWEEP_SESSIONS,
					 STORE_SQL_SWEEP_ATTEMPTS,
					 STORE_SQL_SWEEP_DENIALS,
					 STORE_SQL_SWEEP_NETWORKS };
	int64_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(sweeps); i++) {
		int64_t n;

		if (sqlite_change(conn, sweeps[i],
				  SQL_ARGS(SQL_INT(now_ms),
					   SQL_INT(limit - all)),
				  &n, err) != 0)
			return -1;
		all += n;
	}
	*removed = all;
	return sqlite_change(conn, STORE_SQL_SWEEP_CHANGES,
			     SQL_ARGS(SQL_INT(CHANGES_KEPT),
				      SQL_INT(CHANGES_SWEPT)),
			     &(int64_t){ 0 }, err);
}

static int
store_sqlite_sweep(void *conn, const struct call *c, size_t limit,
		   int64_t *removed, struct err *err)
{
	int64_t most = limit > INT32_MAX ? INT32_MAX : (int64_t)limit, n = 0;

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn, sqlite_store_sweep(conn, c->now_ms, most, &n, err),
		       err) != 0)
		return -1;
	*removed = n;
	return 0;
}

static const struct option options[] = {
	OPTION(PATH, struct sqlite_conf, path, .def = SQLITE_DEFAULT_PATH,
	       .flags = OPTION_REQUIRED,
	       .help = "The database file, on a local file system. If it is"
		       " missing, it is created with mode 0600. Sign-ins and"
		       " sign-outs are on the disk before they are"
		       " acknowledged; a power failure can only undo the time"
		       " when a session was last seen."),
	OPTION_END
};

const struct session_store_ops store_sqlite = {
	.base = {
		.driver = {
			.name = "sqlite",
			.summary = "sessions in a SQLite file",
			.caps = BACKEND_PERSISTENT | BACKEND_SHARED |
				BACKEND_EMBEDDED,
			.options = options,
			.conf_size = sizeof(struct sqlite_conf),
		},
		.open = store_sqlite_open,
		SQLITE_LIFE,
	},
	.feed = &sqlite_feed_ops,
	.secret = store_sqlite_secret,
	.create = store_sqlite_create,
	.find = store_sqlite_find,
	.touch = store_sqlite_touch,
	.rotate = store_sqlite_rotate,
	.deny = store_sqlite_deny,
	.denied = store_sqlite_denied,
	.revoke = store_sqlite_revoke,
	.revoke_user = store_sqlite_revoke_user,
	.revoke_all = store_sqlite_revoke_all,
	.update_user = store_sqlite_update_user,
	.remark = store_sqlite_remark,
	.list = store_sqlite_list,
	.count_sessions = store_sqlite_count_sessions,
	.standing = store_sqlite_standing,
	.count = store_sqlite_count,
	.succeed = store_sqlite_succeed,
	.attempt = store_sqlite_attempt,
	.give_back = store_sqlite_give_back,
	.reset_attempts = store_sqlite_reset_attempts,
	.bans = store_sqlite_bans,
	.networks = store_sqlite_networks,
	.unlearn = store_sqlite_unlearn,
	.sweep = store_sqlite_sweep,
};
