/* SPDX-License-Identifier: MIT */
/* Records of accounts in a SQLite file. A column of a SQLite table may hold a
 * value of any type, whatever the schema says. */
#include "strategy/clock.h"
#include "strategy/factor_store.h"
#include "backends/sqlite/factors_sql.h"

static const char *const steps[] = {
#include "backends/sqlite/factors_schema.inc"
};

static const struct sqlite_spec spec = {
	.component = "factors",
	.steps = steps,
	.nsteps = ARRAY_LEN(steps),
	.sql = sqlite_factors_sql,
	.nsql = FACTORS_SQL_END,
	.probe = FACTORS_SQL_PROBE,
};

static int
factors_sqlite_open(const void *conf, const struct env *env, void **store,
		    struct err *err)
{
	return sqlite_file_open(&spec, conf, env, store, err);
}

static int
sqlite_factors_change(struct sqlite_conn *conn, size_t which,
		      const struct sqlite_arg *args, size_t nargs,
		      struct err *err)
{
	int64_t ignored;

	return sqlite_change(conn, which, args, nargs, &ignored, err);
}

static int
sqlite_factors_damaged(int column, struct err *err)
{
	return err_set(err, ERR_BUSY, "damaged row: column %d", column + 1);
}

static int
sqlite_factors_get_number(sqlite3_stmt *stmt, int column, int64_t *out,
			  struct err *err)
{
	if (sqlite3_column_type(stmt, column) != SQLITE_INTEGER)
		return sqlite_factors_damaged(column, err);
	*out = sqlite3_column_int64(stmt, column);
	return 0;
}

/* A column that is a text, and its greatest length. */
struct text_column {
	int column, max;
	struct str *to;
};

static int
sqlite_factors_get_texts(sqlite3_stmt *stmt, const struct text_column *v,
			 size_t n, struct arena *a, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (sqlite3_column_type(stmt, v[i].column) != SQLITE_TEXT ||
		    sqlite3_column_bytes(stmt, v[i].column) > v[i].max)
			return sqlite_factors_damaged(v[i].column, err);
		if (sqlite_get_text(stmt, v[i].column, a, v[i].to, err) != 0)
			return -1;
	}
	return 0;
}

static int
sqlite_factors_get_account(sqlite3_stmt *stmt, struct arena *a,
			   struct account *is, struct err *err)
{
	const struct text_column email = { 2, IDENTITY_TEXT_MAX,
					   &is->verified_email };
	int64_t must_change = 0, notify = 0;

	if (sqlite_get_blob(stmt, 0, is->handle, sizeof(is->handle), err) !=
		0 ||
	    sqlite_factors_get_number(stmt, 1, &must_change, err) != 0 ||
	    sqlite_factors_get_texts(stmt, &email, 1, a, err) != 0 ||
	    sqlite_factors_get_number(stmt, 3, &notify, err) != 0 ||
	    sqlite_factors_get_number(stmt, 4, &is->since_ms, err) != 0)
		return -1;
	if (notify < NOTIFY_DEFAULT || notify > NOTIFY_NO)
		return sqlite_factors_damaged(3, err);
	is->must_change = must_change != 0;
	is->notify = (enum account_notify)notify;
	return 0;
}

static int
factors_sqlite_account(void *conn, const struct call *c, struct str user,
		       struct account *out, struct err *err)
{
	struct account is = { .since_ms = 0 };
	sqlite3_stmt *stmt = NULL;
	int result = 0;
	bool found;

	if (sqlite_query(conn, FACTORS_SQL_ACCOUNT, SQL_ARGS(SQL_TEXT(user)),
			 &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &found, err) != 0)
		return -1;
	if (found) {
		result = sqlite_factors_get_account(stmt, c->arena, &is, err);
		sqlite_finish(stmt);
	}
	if (result == 0)
		*out = is;
	return result;
}

static int
factors_sqlite_account_set(void *conn, const struct call *c,
			   const struct account_change *change, struct err *err)
{
	return sqlite_factors_change(
	    conn, FACTORS_SQL_ACCOUNT_SET,
	    SQL_ARGS(SQL_TEXT(change->user),
		     SQL_BLOB(change->handle, sizeof(change->handle)),
		     SQL_INT(change->must_change),
		     SQL_TEXT(change->verified_email), SQL_INT(change->notify),
		     SQL_INT(c->now_ms), SQL_INT(change->fields)),
	    err);
}

static int
factors_sqlite_one_time_put(void *conn, const struct call *c,
			    const struct one_time *s, bool alone,
			    struct err *err)
{
	return sqlite_factors_change(
	    conn, FACTORS_SQL_PUT,
	    SQL_ARGS(SQL_BLOB(s->hash.b, sizeof(s->hash.b)), SQL_INT(s->kind),
		     SQL_TEXT(s->user), SQL_TEXT(s->data), SQL_INT(c->now_ms),
		     SQL_INT(s->expires_ms), SQL_INT(alone)),
	    err);
}

static int
sqlite_factors_get_secret(sqlite3_stmt *stmt, struct arena *a,
			  struct one_time *s, struct err *err)
{
	const struct text_column texts[] = {
		{ 2, IDENTITY_NAME_MAX, &s->user },
		{ 3, ONE_TIME_DATA_MAX, &s->data },
	};
	int64_t kind = 0;

	if (sqlite_get_blob(stmt, 0, s->hash.b, sizeof(s->hash.b), err) != 0 ||
	    sqlite_factors_get_number(stmt, 1, &kind, err) != 0 ||
	    sqlite_factors_get_texts(stmt, texts, ARRAY_LEN(texts), a, err) !=
		0 ||
	    sqlite_factors_get_number(stmt, 4, &s->created_ms, err) != 0 ||
	    sqlite_factors_get_number(stmt, 5, &s->expires_ms, err) != 0)
		return -1;
	s->kind = (enum one_time_kind)kind;
	return 0;
}

static int
sqlite_factors_find_secret(struct sqlite_conn *conn, size_t which,
			   const struct call *c, const struct one_time *key,
			   struct one_time_answer *out, struct err *err)
{
	struct one_time_answer is = { .found = false };
	sqlite3_stmt *stmt = NULL;
	int result = 0;

	if (sqlite_query(conn, which,
			 SQL_ARGS(SQL_BLOB(key->hash.b, sizeof(key->hash.b)),
				  SQL_INT(key->kind), SQL_INT(c->now_ms),
				  SQL_INT(later_ms(c->now_ms, CLOCK_SLACK_MS))),
			 &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &is.found, err) != 0)
		return -1;
	if (is.found) {
		result =
		    sqlite_factors_get_secret(stmt, c->arena, &is.secret, err);
		sqlite_finish(stmt);
	}
	if (result == 0)
		*out = is;
	return result;
}

static int
factors_sqlite_one_time_peek(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err)
{
	const struct one_time key = { .hash = *hash, .kind = kind };

	return sqlite_factors_find_secret(conn, FACTORS_SQL_PEEK, c, &key, out,
					  err);
}

/* In a transaction, so that a secret that cannot be returned is not taken. */
static int
factors_sqlite_one_time_take(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err)
{
	const struct one_time key = { .hash = *hash, .kind = kind };
	struct one_time_answer is;

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn,
		       sqlite_factors_find_secret(conn, FACTORS_SQL_TAKE, c,
						  &key, &is, err),
		       err) != 0)
		return -1;
	*out = is;
	return 0;
}

static int
factors_sqlite_one_time_void(void *conn, const struct call *c, struct str user,
			     unsigned kinds, int64_t *voided, struct err *err)
{
	(void)c;
	return sqlite_change(conn, FACTORS_SQL_VOID,
			     SQL_ARGS(SQL_TEXT(user), SQL_INT(kinds)), voided,
			     err);
}

static int
factors_sqlite_mail_add(void *conn, const struct call *c, const struct mail *m,
			struct err *err)
{
	return sqlite_factors_change(
	    conn, FACTORS_SQL_MAIL_ADD,
	    SQL_ARGS(SQL_BLOB(m->id, sizeof(m->id)), SQL_TEXT(m->user),
		     SQL_TEXT(m->to), SQL_TEXT(m->kind), SQL_TEXT(m->body),
		     SQL_INT(c->now_ms), SQL_INT(m->expires_ms)),
	    err);
}

static int
sqlite_factors_get_mail(sqlite3_stmt *stmt, struct arena *a, struct mail *m,
			struct err *err)
{
	const struct text_column texts[] = {
		{ 1, IDENTITY_NAME_MAX, &m->user },
		{ 2, MAIL_ADDRESS_MAX, &m->to },
		{ 3, MAIL_KIND_MAX, &m->kind },
		{ 4, MAIL_BODY_MAX, &m->body },
	};

	if (sqlite_get_blob(stmt, 0, m->id, sizeof(m->id), err) != 0 ||
	    sqlite_factors_get_texts(stmt, texts, ARRAY_LEN(texts), a, err) !=
		0 ||
	    sqlite_factors_get_number(stmt, 5, &m->created_ms, err) != 0 ||
	    sqlite_factors_get_number(stmt, 6, &m->next_ms, err) != 0 ||
	    sqlite_factors_get_number(stmt, 7, &m->expires_ms, err) != 0)
		return -1;
	return sqlite_factors_get_number(stmt, 8, &m->tries, err);
}

static int
sqlite_factors_read_due(struct sqlite_conn *conn, const struct call *c,
			size_t limit, struct mail_list *list, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (sqlite_query(conn, FACTORS_SQL_MAIL_DUE,
			 SQL_ARGS(SQL_INT(c->now_ms), SQL_INT((int64_t)limit)),
			 &stmt, err) != 0)
		return -1;
	for (list->n = 0;; list->n++) {
		if (sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			return 0;
		if (sqlite_factors_get_mail(stmt, c->arena, &list->v[list->n],
					    err) != 0) {
			sqlite_finish(stmt);
			return -1;
		}
	}
}

static int
sqlite_factors_lease_due(struct sqlite_conn *conn, const struct call *c,
			 size_t limit, int64_t until_ms, struct mail_list *list,
			 struct err *err)
{
	if (sqlite_factors_read_due(conn, c, limit, list, err) != 0)
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		struct mail *m = &list->v[i];

		if (sqlite_factors_change(conn, FACTORS_SQL_MAIL_LEASE,
					  SQL_ARGS(SQL_BLOB(m->id,
							    sizeof(m->id)),
						   SQL_INT(until_ms)),
					  err) != 0)
			return -1;
		m->next_ms = until_ms;
		m->tries++;
	}
	return 0;
}

static int
factors_sqlite_mail_claim(void *conn, const struct call *c, size_t limit,
			  int64_t lease_ms, struct mail_list *out,
			  struct err *err)
{
	struct mail_list list = { .v = arena_array(c->arena, limit + 1,
						   sizeof(*list.v)) };
	int result;

	if (list.v == NULL)
		return err_nomem(err);
	if (sqlite_begin(conn, err) != 0)
		return -1;
	result =
	    sqlite_factors_lease_due(conn, c, limit,
				     later_ms(c->now_ms, lease_ms), &list, err);
	if (sqlite_end(conn, result, err) != 0)
		return -1;
	*out = list;
	return 0;
}

static int
factors_sqlite_mail_done(void *conn, const struct call *c,
			 const uint8_t id[MAIL_ID_BYTES], struct err *err)
{
	(void)c;
	return sqlite_factors_change(conn, FACTORS_SQL_MAIL_DONE,
				     SQL_ARGS(SQL_BLOB(id, MAIL_ID_BYTES)),
				     err);
}

static int
factors_sqlite_mail_retry(void *conn, const struct call *c,
			  const struct mail_retry *retry, struct err *err)
{
	(void)c;
	return sqlite_factors_change(
	    conn, FACTORS_SQL_MAIL_RETRY,
	    SQL_ARGS(SQL_BLOB(retry->id, sizeof(retry->id)),
		     SQL_INT(retry->tries), SQL_INT(retry->next_ms)),
	    err);
}

static int
sqlite_factors_remove_all(struct sqlite_conn *conn, struct str user,
			  int64_t *removed, struct err *err)
{
	*removed = 0;
	for (size_t i = FACTORS_SQL_REMOVE_ACCOUNT;
	     i <= FACTORS_SQL_REMOVE_MAILS; i++) {
		int64_t n = 0;

		if (sqlite_change(conn, i, SQL_ARGS(SQL_TEXT(user)), &n, err) !=
		    0)
			return -1;
		*removed += n;
	}
	return 0;
}

static int
factors_sqlite_remove_user(void *conn, const struct call *c, struct str user,
			   int64_t *removed, struct err *err)
{
	int64_t n = 0;

	(void)c;
	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn, sqlite_factors_remove_all(conn, user, &n, err),
		       err) != 0)
		return -1;
	*removed = n;
	return 0;
}

static int
factors_sqlite_sweep(void *conn, const struct call *c, size_t limit,
		     int64_t *removed, struct err *err)
{
	int64_t all = 0;

	for (size_t i = FACTORS_SQL_SWEEP_SECRETS; i <= FACTORS_SQL_SWEEP_MAILS;
	     i++) {
		int64_t n = 0;

		if (sqlite_change(conn, i,
				  SQL_ARGS(SQL_INT(c->now_ms),
					   SQL_INT((int64_t)limit - all)),
				  &n, err) != 0)
			return -1;
		all += n;
	}
	*removed = all;
	return 0;
}

static const struct option options[] = {
	OPTION(PATH, struct sqlite_conf, path, .def = SQLITE_DEFAULT_PATH,
	       .flags = OPTION_REQUIRED,
	       .help = "The database file, on a local file system. If it is"
		       " missing, it is created with mode 0600. It may be the"
		       " file of the users or of the store. Every change is on"
		       " the disk before it is acknowledged."),
	OPTION_END
};

const struct factor_store_ops factors_sqlite = {
	.base = {
		.driver = {
			.name = "sqlite",
			.summary = "records of accounts in a SQLite file",
			.caps = BACKEND_PERSISTENT | BACKEND_SHARED |
				BACKEND_EMBEDDED,
			.options = options,
			.conf_size = sizeof(struct sqlite_conf),
		},
		.open = factors_sqlite_open,
		SQLITE_LIFE,
	},
	.account = factors_sqlite_account,
	.account_set = factors_sqlite_account_set,
	.one_time_put = factors_sqlite_one_time_put,
	.one_time_peek = factors_sqlite_one_time_peek,
	.one_time_take = factors_sqlite_one_time_take,
	.one_time_void = factors_sqlite_one_time_void,
	.mail_add = factors_sqlite_mail_add,
	.mail_claim = factors_sqlite_mail_claim,
	.mail_done = factors_sqlite_mail_done,
	.mail_retry = factors_sqlite_mail_retry,
	.remove_user = factors_sqlite_remove_user,
	.sweep = factors_sqlite_sweep,
};
