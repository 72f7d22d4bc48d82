/* SPDX-License-Identifier: MIT */
/* Sessions in PostgreSQL. */
#include "strategy/clock.h"
#include "strategy/session_store.h"
#include "backends/postgres/store_internal.h"
#include "backends/postgres/store_sql.h"

#include <string.h>

static const char *const steps[] = {
#include "backends/postgres/store_schema.inc"
};

static const struct postgres_spec spec = {
	.component = "store",
	.steps = steps,
	.nsteps = ARRAY_LEN(steps),
	.probe = postgres_store_probe,
	.extras = postgres_store_extras,
	.nextras = POSTGRES_STORE_EXTRAS,
};

#define ID(id)	 PG_BYTES((id)->b, sizeof((id)->b))
#define BYTES(s) PG_BYTES((s).p != NULL ? (s).p : "", (s).n)
#define MARK(m)                                                                \
	PG_BYTES(password_mark_is_known(m) ? (m)->b : NULL, sizeof((m)->b))

/* After the columns of a session. */
#define COLUMN_WRAPPED 16
#define COLUMN_HERE    16

/* How many times a rotation is tried at most. */
#define ROTATE_TRIES 8

static int
store_postgres_open(const void *conf, const struct env *env, void **store,
		    struct err *err)
{
	static const enum postgres_store_sql hot[] = {
		STORE_SQL_FIND,	     STORE_SQL_TOUCH,	    STORE_SQL_DENIED,
		STORE_SQL_FIND_HERE, STORE_SQL_DENIED_HERE, STORE_SQL_ROTATE
	};

	if (postgres_open(&spec, conf, env, store, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(hot); i++)
		postgres_add_hot(*store, postgres_store_sql[hot[i]]);
	postgres_add_hot(*store, postgres_feed_proof);
	return 0;
}

static int
postgres_store_change(void *conn, enum postgres_store_sql which,
		      const struct postgres_arg *args, size_t nargs, int64_t *n,
		      struct err *err)
{
	return postgres_change(conn, postgres_store_sql[which], args, nargs, n,
			       err);
}

static int
query(void *conn, enum postgres_store_sql which,
      const struct postgres_arg *args, size_t nargs, PGresult **out,
      struct err *err)
{
	return postgres_query(conn, postgres_store_sql[which], args, nargs, out,
			      err);
}

static int
store_postgres_secret(void *conn, const struct call *c, const char *name,
		      uint8_t value[32], struct err *err)
{
	struct postgres_arg key = PG_TEXT(str_from(name));
	int64_t added;
	PGresult *r;
	int result;

	(void)c;
	if (postgres_store_change(conn, STORE_SQL_SECRET_KEEP,
				  PG_ARGS(key, PG_BYTES(value, 32)), &added,
				  err) != 0 ||
	    query(conn, STORE_SQL_SECRET_GET, &key, 1, &r, err) != 0)
		return -1;
	if (PQntuples(r) > 0)
		result = postgres_get_bytes(r, 0, 0, value, 32, err);
	else
		result = err_set(err, ERR_UNAVAILABLE, "secret was not kept");
	PQclear(r);
	return result;
}

static int
postgres_store_insert(void *conn, const struct session *s, struct err *err)
{
	const struct identity *who = &s->who;
	int64_t n;

	return postgres_store_change(
	    conn, STORE_SQL_CREATE,
	    PG_ARGS(ID(&s->id), ID(&s->token), PG_TEXT(who->name),
		    PG_TEXT(who->roles), PG_TEXT(who->email),
		    PG_TEXT(who->full_name), PG_INT(s->created_ms),
		    PG_INT(s->last_seen_ms), PG_INT(s->idle_expires_ms),
		    PG_INT(s->expires_ms), PG_INT(s->remember),
		    BYTES(s->address), BYTES(s->user_agent),
		    PG_INT(s->generation), MARK(&s->mark), PG_INT(s->auth_ms)),
	    &n, err);
}

struct creation {
	const struct session *session;
	int64_t max, now_ms, evicted;
};

/* Locks a row of the user first: without it two sign-ins of the same user would
 * not see the session of each other. */
static int
create_limited(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct creation *c = ctx;
	const struct session *s = c->session;
	int64_t n;

	if (postgres_store_change(pg, STORE_SQL_LIMIT,
				  PG_ARGS(PG_TEXT(s->who.name),
					  PG_INT(s->expires_ms)),
				  &n, err) != 0 ||
	    postgres_store_insert(pg, s, err) != 0)
		return -1;
	return postgres_store_change(pg, STORE_SQL_MAKE_ROOM,
				     PG_ARGS(PG_TEXT(s->who.name),
					     PG_INT(c->now_ms),
					     PG_INT(c->max - 1), ID(&s->id)),
				     &c->evicted, err);
}

static int
store_postgres_create(void *conn, const struct call *c,
		      const struct session *session, int64_t max_per_user,
		      int64_t *evicted, struct err *err)
{
	struct creation new = { .session = session,
				.max = max_per_user,
				.now_ms = c->now_ms };
	int result;

	if (max_per_user > 0)
		result = postgres_transaction(conn, create_limited, &new, err);
	else
		result = postgres_store_insert(conn, session, err);
	if (result == 0)
		*evicted = new.evicted;
	return result;
}

static bool
is_here(const PGresult *r)
{
	struct err ignored; /* it is not certain */
	int64_t here = 0;

	return postgres_get_int(r, 0, COLUMN_HERE, &here, &ignored) == 0 &&
	       here != 0;
}

static int
store_postgres_find(void *conn, const struct call *c,
		    const struct session_id *id, const struct token_hash *token,
		    struct session_answer *out, struct err *err)
{
	struct session_answer is = { .found = false };
	const int64_t key = postgres_feed_key(conn);
	PGresult *r;
	int result = 0;

	if (query(conn, key != 0 ? STORE_SQL_FIND_HERE : STORE_SQL_FIND,
		  (const struct postgres_arg[]){
		      ID(id), PG_INT(c->now_ms),
		      PG_BYTES(token != NULL ? token->b : NULL,
			       sizeof(token->b)),
		      PG_INT(key) },
		  key != 0 ? 4 : 3, &r, err) != 0)
		return -1;
	is.found = PQntuples(r) > 0;
	if (is.found && key != 0 && !is_here(r))
		postgres_feed_missed(conn, key);
	if (is.found) {
		postgres_get_session(r, 0, &is.session);
		result = postgres_keep_texts(&is.session, NULL, c->arena, err);
	}
	PQclear(r);
	if (result == 0)
		*out = is;
	return result;
}

static int
store_postgres_touch(void *conn, const struct call *c, const struct touch *t,
		     struct err *err)
{
	int64_t n;

	(void)c;
	return postgres_store_change(conn, STORE_SQL_TOUCH,
				     PG_ARGS(ID(&t->id),
					     PG_INT(t->last_seen_ms),
					     PG_INT(t->idle_expires_ms)),
				     &n, err);
}

#define ROTATION_ARGS 8

/* A rotation in progress. */
struct rotate_ctx {
	void *conn;
	uint32_t generation;
	struct postgres_arg args[ROTATION_ARGS];
	char *room; /* for texts: after a step no allocation may fail */
};

/* Executes one statement of the rotation, with the first nargs arguments; *row
 * says whether it has decided. */
static int
rotate_by(const struct rotate_ctx *t, enum postgres_store_sql which,
	  size_t nargs, bool *row, struct rotated *out, struct err *err)
{
	PGresult *r;
	int result = 0;

	if (query(t->conn, which, t->args, nargs, &r, err) != 0)
		return -1;
	*row = PQntuples(r) > 0;
	if (*row) {
		postgres_get_session(r, 0, &out->session);
		result = postgres_keep_texts(&out->session, t->room, NULL, err);
	}
	if (*row && result == 0 && PQnfields(r) > COLUMN_WRAPPED)
		result = postgres_get_bytes(r, 0, COLUMN_WRAPPED, out->wrapped,
					    sizeof(out->wrapped), err);
	PQclear(r);
	return result;
}

/* Each statement is atomic, and its answer depends only on its own condition;
 * the session may change between two statements. */
static int
postgres_store_rotate(const struct rotate_ctx *t, struct rotated *out,
		      struct err *err)
{
	static const struct {
		enum postgres_store_sql sql;
		size_t nargs;
		enum rotate_answer answer;
	} tries[] = {
		{ STORE_SQL_ROTATE, ROTATION_ARGS, ROTATE_DONE },
		{ STORE_SQL_GRACE, 5, ROTATE_GRACE },
		{ STORE_SQL_REUSED, 5, ROTATE_REUSED },
		{ STORE_SQL_ROTATABLE, 2, ROTATE_FUTURE },
	};

	for (size_t i = 0; i < ROTATE_TRIES * ARRAY_LEN(tries); i++) {
		const size_t k = i % ARRAY_LEN(tries);
		bool row;

		if (rotate_by(t, tries[k].sql, tries[k].nargs, &row, out,
			      err) != 0)
			return -1;
		out->answer = row ? tries[k].answer : ROTATE_GONE;
		if (row && (out->answer != ROTATE_FUTURE ||
			    out->session.generation < t->generation))
			return 0;
		if (!row && k == ARRAY_LEN(tries) - 1) {
			out->session = (struct session){ .created_ms = 0 };
			return 0;
		}
	}
	return err_set(err, ERR_BUSY,
		       "the session was changed by others at each attempt");
}

static int
store_postgres_rotate(void *conn, const struct call *c,
		      const struct rotation *r, struct rotated *out,
		      struct err *err)
{
	const struct rotate_ctx t = {
		.conn = conn,
		.generation = r->generation,
		.args = { ID(&r->id), PG_INT(c->now_ms), PG_INT(r->generation),
			  ID(&r->presented), PG_INT(r->grace_ms), ID(&r->next),
			  PG_BYTES(r->wrapped, sizeof(r->wrapped)),
			  PG_INT(later_ms(c->now_ms, r->idle_ms)) },
		.room = arena_alloc(c->arena, POSTGRES_TEXTS_MAX),
	};
	struct rotated is = { .answer = ROTATE_GONE };

	if (t.room == NULL)
		return err_nomem(err);
	if (postgres_store_rotate(&t, &is, err) != 0)
		return -1;
	*out = is;
	return 0;
}

static int
store_postgres_revoke(void *conn, const struct call *c,
		      const struct session_id *id, bool *ended, struct err *err)
{
	int64_t n;

	(void)c;
	if (postgres_store_change(conn, STORE_SQL_REVOKE, PG_ARGS(ID(id)), &n,
				  err) != 0)
		return -1;
	*ended = n > 0;
	return 0;
}

static int
store_postgres_revoke_user(void *conn, const struct call *c, struct str user,
			   const struct session_id *except, int64_t *ended,
			   struct err *err)
{
	(void)c;
	return postgres_store_change(
	    conn, STORE_SQL_REVOKE_USER,
	    PG_ARGS(PG_TEXT(user), PG_BYTES(except == NULL ? NULL : except->b,
					    sizeof(except->b))),
	    ended, err);
}

static int
store_postgres_revoke_all(void *conn, const struct call *c, int64_t *ended,
			  struct err *err)
{
	(void)c;
	return postgres_store_change(conn, STORE_SQL_REVOKE_ALL, NULL, 0, ended,
				     err);
}

static int
store_postgres_update_user(void *conn, const struct call *c,
			   const struct identity *who, struct err *err)
{
	int64_t n;

	(void)c;
	return postgres_store_change(conn, STORE_SQL_UPDATE_USER,
				     PG_ARGS(PG_TEXT(who->name),
					     PG_TEXT(who->roles),
					     PG_TEXT(who->email),
					     PG_TEXT(who->full_name)),
				     &n, err);
}

static int
store_postgres_remark(void *conn, const struct call *c, const struct remark *m,
		      struct err *err)
{
	int64_t n;

	(void)c;
	return postgres_store_change(conn, STORE_SQL_REMARK,
				     PG_ARGS(PG_TEXT(m->user), MARK(&m->from),
					     MARK(&m->to)),
				     &n, err);
}

static int
postgres_store_get_page(const PGresult *r, struct arena *a, size_t limit,
			struct session_list *out, struct err *err)
{
	size_t rows = (size_t)PQntuples(r), n = rows < limit ? rows : limit;
	struct session *v = arena_array(a, n, sizeof(*v));

	if (v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		postgres_get_session(r, (int)i, &v[i]);
		if (postgres_keep_texts(&v[i], NULL, a, err) != 0)
			return -1;
	}
	*out = (struct session_list){ .v = v, .n = n };
	return 0;
}

static int
store_postgres_list(void *conn, const struct call *c,
		    const struct session_query *q,
		    struct session_cursor *cursor, struct session_list *out,
		    struct err *err)
{
	static const struct session_id none;
	struct session_cursor at = *cursor;
	PGresult *r;
	int result;

	if (memcmp(&at.id, &none, sizeof(none)) == 0)
		memset(&at.id, 0xff, sizeof(at.id));
	if (query(conn,
		  q->user.p == NULL ? STORE_SQL_LIST : STORE_SQL_LIST_USER,
		  (const struct postgres_arg[]){ PG_INT(c->now_ms), ID(&at.id),
						 PG_INT((int64_t)q->limit + 1),
						 PG_TEXT(q->user) },
		  q->user.p == NULL ? 3 : 4, &r, err) != 0)
		return -1;
	/* The query asks for one row more than the page. */
	at.more = (size_t)PQntuples(r) > q->limit;
	result = postgres_store_get_page(r, c->arena, q->limit, out, err);
	PQclear(r);
	if (result != 0)
		return -1;
	cursor->more = at.more;
	if (out->n > 0) {
		cursor->created_ms = out->v[out->n - 1].created_ms;
		cursor->id = out->v[out->n - 1].id;
	}
	return 0;
}

/* Executes several statements that do not depend on each other. */
static int
store_postgres_sweep(void *conn, const struct call *c, size_t limit,
		     int64_t *removed, struct err *err)
{
	static const enum postgres_store_sql sweeps[] = {
		STORE_SQL_SWEEP_SESSIONS, STORE_SQL_SWEEP_ATTEMPTS,
		STORE_SQL_SWEEP_DENIALS, STORE_SQL_SWEEP_NETWORKS,
		STORE_SQL_SWEEP_LIMITS
	};
	int64_t most = limit > INT32_MAX ? INT32_MAX : (int64_t)limit;
	int64_t all = 0, n;

	if (postgres_store_change(conn, STORE_SQL_SWEEP_LATER,
				  PG_ARGS(PG_INT(c->now_ms), PG_INT(most)), &n,
				  err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(sweeps); i++) {
		if (postgres_store_change(conn, sweeps[i],
					  PG_ARGS(PG_INT(c->now_ms),
						  PG_INT(most - all)),
					  &n, err) != 0)
			return -1;
		all += n;
	}
	*removed = all;
	return 0;
}

static const struct option options[] = { POSTGRES_OPTIONS, OPTION_END };

const struct session_store_ops store_postgres = {
	.base = {
		.driver = {
			.name = "postgres",
			.summary = "sessions in PostgreSQL",
			.caps = BACKEND_PERSISTENT | BACKEND_SHARED,
			.options = options,
			.conf_size = sizeof(struct postgres_conf),
			.check = postgres_check,
		},
		.open = store_postgres_open,
		POSTGRES_LIFE,
		.advise = postgres_advise,
	},
	.feed = &postgres_feed,
	.secret = store_postgres_secret,
	.create = store_postgres_create,
	.find = store_postgres_find,
	.touch = store_postgres_touch,
	.rotate = store_postgres_rotate,
	.deny = store_postgres_deny,
	.denied = store_postgres_denied,
	.revoke = store_postgres_revoke,
	.revoke_user = store_postgres_revoke_user,
	.revoke_all = store_postgres_revoke_all,
	.update_user = store_postgres_update_user,
	.remark = store_postgres_remark,
	.list = store_postgres_list,
	.count_sessions = store_postgres_count_sessions,
	.standing = store_postgres_standing,
	.count = store_postgres_count,
	.succeed = store_postgres_succeed,
	.attempt = store_postgres_attempt,
	.give_back = store_postgres_give_back,
	.reset_attempts = store_postgres_reset_attempts,
	.bans = store_postgres_bans,
	.networks = store_postgres_networks,
	.unlearn = store_postgres_unlearn,
	.sweep = store_postgres_sweep,
};
