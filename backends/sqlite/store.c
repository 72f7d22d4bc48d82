/* SPDX-License-Identifier: MIT */
/* Sessions in a SQLite file. */
#include "strategy/session_check.h"
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
	.look = STORE_SQL_LOOK,
};

#define ID(id)	       SQL_BLOB((id)->b, sizeof((id)->b))
#define COLUMN_WRAPPED 15 /* behind those of a session */

static int
store_sqlite_open(const void *conf, const struct env *env, void **store,
		  struct err *err)
{
	(void)env; /* a file needs neither clock nor dice */
	return sqlite_file_open(&spec, conf, store, err);
}

static int
keep_secret(struct sqlite_link *l, struct str name, uint8_t value[32],
	    struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int64_t added;
	bool row;
	int result;

	if (sqlite_change(l, STORE_SQL_SECRET_KEEP,
			  SQL_ARGS(SQL_TEXT(name), SQL_BLOB(value, 32)), &added,
			  err) != 0 ||
	    sqlite_query(l, STORE_SQL_SECRET_GET, SQL_ARGS(SQL_TEXT(name)),
			 &stmt, err) != 0 ||
	    sqlite_next(l, stmt, &row, err) != 0)
		return -1;
	if (!row)
		return err_set(err, ERR_INTERNAL, "secret was not kept");
	result = sqlite_get_blob(stmt, 0, value, 32, err);
	sqlite_finish(stmt);
	return result;
}

static int
store_sqlite_secret(void *conn, const char *name, uint8_t value[32],
		    struct err *err)
{
	uint8_t kept[32];

	memcpy(kept, value, sizeof(kept));
	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn, keep_secret(conn, str_from(name), kept, err),
		       err) != 0)
		return -1;
	memcpy(value, kept, sizeof(kept));
	return 0;
}

static int
insert(struct sqlite_link *l, const struct session *s, struct err *err)
{
	const struct identity *who = &s->who;
	int64_t n;

	return sqlite_change(
	    l, STORE_SQL_CREATE,
	    SQL_ARGS(ID(&s->id), ID(&s->token), SQL_TEXT(who->name),
		     SQL_TEXT(who->roles), SQL_TEXT(who->email),
		     SQL_TEXT(who->full_name), SQL_INT(s->created_ms),
		     SQL_INT(s->last_seen_ms), SQL_INT(s->idle_expires_ms),
		     SQL_INT(s->expires_ms), SQL_INT(s->remember),
		     SQL_TEXT(s->address), SQL_TEXT(s->user_agent),
		     SQL_INT(s->generation), sqlite_mark_arg(&s->mark)),
	    &n, err);
}

static int
make_room(struct sqlite_link *l, const struct session *s, int64_t max,
	  int64_t now_ms, int64_t *evicted, struct err *err)
{
	if (max <= 0) {
		*evicted = 0;
		return 0;
	}
	return sqlite_change(l, STORE_SQL_MAKE_ROOM,
			     SQL_ARGS(SQL_TEXT(s->who.name), SQL_INT(now_ms),
				      SQL_INT(max - 1), ID(&s->id)),
			     evicted, err);
}

static int
store_sqlite_create(void *conn, const struct session *session,
		    int64_t max_per_user, int64_t now_ms, int64_t *evicted,
		    struct err *err)
{
	int64_t n = 0;
	int result;

	if (sqlite_begin(conn, err) != 0)
		return -1;
	result = insert(conn, session, err);
	if (result == 0)
		result =
		    make_room(conn, session, max_per_user, now_ms, &n, err);
	if (sqlite_end(conn, result, err) != 0)
		return -1;
	*evicted = n;
	return 0;
}

static int
store_sqlite_find(void *conn, struct arena *a, const struct session_id *id,
		  const struct token_hash *token, int64_t now_ms, bool *found,
		  struct session *out, struct err *err)
{
	struct session s = { .created_ms = 0 };
	sqlite3_stmt *stmt = NULL;
	bool row;
	int result = 0;

	if (sqlite_query(conn, STORE_SQL_FIND,
			 SQL_ARGS(ID(token), SQL_INT(now_ms), ID(id)), &stmt,
			 err) != 0 ||
	    sqlite_next(conn, stmt, &row, err) != 0)
		return -1;
	if (row) {
		result = sqlite_get_session(stmt, a, &s, err);
		sqlite_finish(stmt);
	}
	if (result != 0)
		return -1;
	*found = row;
	*out = s;
	return 0;
}

/* The one write that a power failure may undo: it only makes a session end
 * sooner, and there are too many of them to wait for the disk. */
static int
store_sqlite_touch(void *conn, const struct session_id *id,
		   int64_t last_seen_ms, int64_t idle_expires_ms,
		   struct err *err)
{
	struct err second;
	int64_t n;
	int result;

	if (sqlite_relax(conn, true, err) != 0)
		return -1;
	result = sqlite_change(
	    conn, STORE_SQL_TOUCH,
	    SQL_ARGS(ID(id), SQL_INT(last_seen_ms), SQL_INT(idle_expires_ms)),
	    &n, err);
	if (sqlite_relax(conn, false, result == 0 ? err : &second) != 0)
		return -1;
	return result;
}

/* What a rotation gives back; GONE, and zero, to begin with. */
struct outcome {
	enum rotate_answer answer;
	struct session session;
	uint8_t wrapped[32];
};

static bool
has_successor(enum rotate_answer answer)
{
	return answer == ROTATE_DONE || answer == ROTATE_GRACE;
}

/* Reads the one row that says what a statement of the rotation has done. */
static int
get_outcome(struct sqlite_link *l, sqlite3_stmt *stmt, struct arena *a,
	    struct outcome *out, struct err *err)
{
	bool more;

	if (sqlite_get_session(stmt, a, &out->session, err) != 0 ||
	    session_refuse_damaged(&out->session, err) != 0 ||
	    (has_successor(out->answer) &&
	     sqlite_get_blob(stmt, COLUMN_WRAPPED, out->wrapped,
			     sizeof(out->wrapped), err) != 0)) {
		sqlite_finish(stmt);
		return -1;
	}
	/* Only at its end it may be committed. */
	return sqlite_next(l, stmt, &more, err);
}

static int
rotate(struct sqlite_link *l, struct arena *a, const struct session_id *id,
       const struct rotation *r, int64_t now_ms, struct outcome *out,
       struct err *err)
{
	static const struct {
		size_t sql, nargs;
		enum rotate_answer answer;
	} tries[] = {
		{ STORE_SQL_ROTATE, 9, ROTATE_DONE },
		{ STORE_SQL_GRACE, 6, ROTATE_GRACE },
		{ STORE_SQL_REUSED, 3, ROTATE_REUSED },
		{ STORE_SQL_FUTURE, 3, ROTATE_FUTURE },
	};
	const struct sqlite_arg args[] = {
		ID(id),
		SQL_INT(now_ms),
		SQL_INT(r->generation),
		ID(&r->presented),
		SQL_INT(r->grace_ms),
		SQL_INT(r->grace_max),
		ID(&r->next),
		SQL_BLOB(r->wrapped, sizeof(r->wrapped)),
		SQL_INT(later_ms(now_ms, r->idle_ms)),
	};

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		sqlite3_stmt *stmt = NULL;
		bool row;

		if (sqlite_query(l, tries[i].sql, args, tries[i].nargs, &stmt,
				 err) != 0 ||
		    sqlite_next(l, stmt, &row, err) != 0)
			return -1;
		if (row) {
			out->answer = tries[i].answer;
			return get_outcome(l, stmt, a, out, err);
		}
	}
	return 0;
}

static int
store_sqlite_rotate(void *conn, struct arena *a, const struct session_id *id,
		    const struct rotation *rotation, int64_t now_ms,
		    enum rotate_answer *answer, struct session *out,
		    uint8_t wrapped[32], struct err *err)
{
	struct outcome is = { .answer = ROTATE_GONE };

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn, rotate(conn, a, id, rotation, now_ms, &is, err),
		       err) != 0)
		return -1;
	*answer = is.answer;
	*out = is.session;
	memcpy(wrapped, is.wrapped, sizeof(is.wrapped));
	return 0;
}

static int
store_sqlite_revoke(void *conn, const struct session_id *id, bool *ended,
		    struct err *err)
{
	int64_t n;

	if (sqlite_change(conn, STORE_SQL_REVOKE, SQL_ARGS(ID(id)), &n, err) !=
	    0)
		return -1;
	*ended = n > 0;
	return 0;
}

static int
store_sqlite_revoke_user(void *conn, struct str user,
			 const struct session_id *except, int64_t *ended,
			 struct err *err)
{
	return sqlite_change(
	    conn, STORE_SQL_REVOKE_USER,
	    SQL_ARGS(SQL_TEXT(user), SQL_BLOB(except == NULL ? NULL : except->b,
					      sizeof(except->b))),
	    ended, err);
}

static int
store_sqlite_revoke_all(void *conn, int64_t *ended, struct err *err)
{
	return sqlite_change(conn, STORE_SQL_REVOKE_ALL, NULL, 0, ended, err);
}

static int
store_sqlite_update_user(void *conn, const struct identity *who,
			 struct err *err)
{
	int64_t n;

	return sqlite_change(conn, STORE_SQL_UPDATE_USER,
			     SQL_ARGS(SQL_TEXT(who->name), SQL_TEXT(who->roles),
				      SQL_TEXT(who->email),
				      SQL_TEXT(who->full_name)),
			     &n, err);
}

/* One row more than the page: *more says that there was one. */
static int
get_page(struct sqlite_link *l, sqlite3_stmt *stmt, struct arena *a,
	 size_t limit, struct session_list *out, bool *more, struct err *err)
{
	struct session_list list = { .v = arena_array(a, limit,
						      sizeof(*list.v)) };
	bool row;

	if (list.v == NULL) {
		sqlite_finish(stmt);
		return err_nomem(err);
	}
	for (;;) {
		if (sqlite_next(l, stmt, &row, err) != 0)
			return -1;
		if (!row || list.n == limit)
			break;
		if (sqlite_get_session(stmt, a, &list.v[list.n], err) != 0) {
			sqlite_finish(stmt);
			return -1;
		}
		list.n++;
	}
	sqlite_finish(stmt);
	*more = row;
	*out = list;
	return 0;
}

static int
store_sqlite_list(void *conn, struct arena *a, struct str user, int64_t now_ms,
		  size_t limit, struct session_cursor *cursor,
		  struct session_list *out, struct err *err)
{
	static const struct session_id none;
	struct session_cursor at = *cursor;
	sqlite3_stmt *stmt = NULL;

	if (at.created_ms == 0 && memcmp(&at.id, &none, sizeof(none)) == 0) {
		at.created_ms = INT64_MAX;
		memset(&at.id, 0xff, sizeof(at.id));
	}
	if (sqlite_query(
		conn, user.p == NULL ? STORE_SQL_LIST : STORE_SQL_LIST_USER,
		(const struct sqlite_arg[]){
		    SQL_INT(now_ms), SQL_INT(at.created_ms), ID(&at.id),
		    SQL_INT((int64_t)limit + 1), SQL_TEXT(user) },
		user.p == NULL ? 4 : 5, &stmt, err) != 0 ||
	    get_page(conn, stmt, a, limit, out, &at.more, err) != 0)
		return -1;
	cursor->more = at.more;
	if (out->n > 0) {
		cursor->created_ms = out->v[out->n - 1].created_ms;
		cursor->id = out->v[out->n - 1].id;
	}
	return 0;
}

static int
sweep(struct sqlite_link *l, int64_t now_ms, int64_t limit, int64_t *removed,
      struct err *err)
{
	static const size_t sweeps[] = { STORE_SQL_SWEEP_SESSIONS,
					 STORE_SQL_SWEEP_ATTEMPTS,
					 STORE_SQL_SWEEP_DENIALS,
					 STORE_SQL_SWEEP_NETWORKS };
	int64_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(sweeps); i++) {
		int64_t n;

		if (sqlite_change(
			l, sweeps[i],
			SQL_ARGS(SQL_INT(now_ms), SQL_INT(limit - all)), &n,
			err) != 0)
			return -1;
		all += n;
	}
	*removed = all;
	return 0;
}

static int
store_sqlite_sweep(void *conn, int64_t now_ms, size_t limit, int64_t *removed,
		   struct err *err)
{
	int64_t most = limit > INT32_MAX ? INT32_MAX : (int64_t)limit, n = 0;

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn, sweep(conn, now_ms, most, &n, err), err) != 0)
		return -1;
	*removed = n;
	return 0;
}

static const struct option options[] = {
	OPTION(PATH, struct sqlite_conf, path, .def = SQLITE_DEFAULT_PATH,
	       .flags = OPTION_REQUIRED,
	       .help = "The database file, on a local file system; it is"
		       " created with mode 0600 when it is missing.  Logins and"
		       " logouts reach the disk before they are acknowledged;"
		       " only the time a session was last seen may be lost by a"
		       " power failure."),
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
		.close = sqlite_file_close,
		.connect = sqlite_connect,
		.disconnect = sqlite_disconnect,
		.ping = sqlite_ping,
		.schema = sqlite_schema,
		.migrate = sqlite_migrate,
	},
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
	.attempt = store_sqlite_attempt,
	.give_back = store_sqlite_give_back,
	.banned = store_sqlite_banned,
	.forgive = store_sqlite_forgive,
	.bans = store_sqlite_bans,
	.learn = store_sqlite_learn,
	.networks = store_sqlite_networks,
	.unlearn = store_sqlite_unlearn,
	.sweep = store_sqlite_sweep,
};
