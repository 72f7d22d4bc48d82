/* SPDX-License-Identifier: MIT */
/* The statements of the SQLite store. */
#ifndef BACKENDS_SQLITE_STORE_SQL_H
#define BACKENDS_SQLITE_STORE_SQL_H

#include "strategy/session_store.h"
#include "backends/sqlite/conn.h"

enum sqlite_store_sql {
	STORE_SQL_PROBE = SQL_OWN,
	STORE_SQL_SECRET_KEEP,
	STORE_SQL_SECRET_GET,
	STORE_SQL_MAKE_ROOM,
	STORE_SQL_CREATE,
	STORE_SQL_FIND,
	STORE_SQL_TOUCH,
	STORE_SQL_ROTATE,
	STORE_SQL_GRACE,
	STORE_SQL_REUSED,
	STORE_SQL_FUTURE,
	STORE_SQL_REVOKE,
	STORE_SQL_REVOKE_USER,
	STORE_SQL_REVOKE_ALL,
	STORE_SQL_UPDATE_USER,
	STORE_SQL_REMARK,
	STORE_SQL_LIST,
	STORE_SQL_LIST_USER,
	STORE_SQL_ATTEMPT,
	STORE_SQL_GIVE_BACK,
	STORE_SQL_STANDING,
	STORE_SQL_BANNED,
	STORE_SQL_RESET,
	STORE_SQL_BANS,
	STORE_SQL_LEARN,
	STORE_SQL_FORGET_OLDEST,
	STORE_SQL_NETWORKS,
	STORE_SQL_UNLEARN,
	STORE_SQL_SWEEP_SESSIONS,
	STORE_SQL_DENY,
	STORE_SQL_DENIED,
	STORE_SQL_SWEEP_ATTEMPTS,
	STORE_SQL_SWEEP_DENIALS,
	STORE_SQL_SWEEP_NETWORKS,
	STORE_SQL_END
};

extern const char *const sqlite_store_sql[STORE_SQL_END];

/* Reads the columns of a session from the current row; texts are copied into
 * the arena. */
int sqlite_get_session(sqlite3_stmt *stmt, struct arena *a, struct session *out,
		       struct err *err) MUST_USE;

/* Returns the value of a mark for the column of a session; NULL if the mark is
 * unknown (marks.c). */
struct sqlite_arg sqlite_mark_arg(const struct password_mark *mark);
int store_sqlite_remark(void *conn, const struct call *c,
			const struct remark *m, struct err *err) MUST_USE;

#define SQLITE_NUMBERS_MAX 4

/* The only row of a result, or none. */
struct sqlite_numbers {
	bool row;
	int64_t v[SQLITE_NUMBERS_MAX]; /* its columns, as many as there are */
};

/* Executes a statement that returns at most one row, which has only numbers. */
int sqlite_numbers(struct sqlite_conn *conn, size_t which,
		   const struct sqlite_arg *args, size_t nargs,
		   struct sqlite_numbers *out, struct err *err) MUST_USE;

/* The operations for keys instead of sessions (denials.c), and those of
 * regulation (attempts.c). */
int store_sqlite_standing(void *conn, const struct call *c,
			  const struct login_keys *k,
			  struct login_standing *out, struct err *err) MUST_USE;
int store_sqlite_count(void *conn, const struct call *c,
		       const struct login_keys *k, struct login_count *out,
		       struct err *err) MUST_USE;
int store_sqlite_succeed(void *conn, const struct call *c,
			 const struct login_success *s,
			 struct err *err) MUST_USE;
int store_sqlite_attempt(void *conn, const struct call *c, struct str key,
			 const struct attempt_policy *policy,
			 struct attempt *out, struct err *err) MUST_USE;
int store_sqlite_give_back(void *conn, const struct call *c, struct str key,
			   int64_t ends_ms, struct err *err) MUST_USE;
int store_sqlite_reset_attempts(void *conn, const struct call *c,
				struct str key, bool *was_banned,
				struct err *err) MUST_USE;
int store_sqlite_bans(void *conn, const struct call *c, int64_t ban_ms,
		      size_t limit, struct ban_list *out,
		      struct err *err) MUST_USE;
int store_sqlite_networks(void *conn, const struct call *c, struct str user,
			  struct known_networks *out, struct err *err) MUST_USE;
int store_sqlite_unlearn(void *conn, const struct call *c, struct str user,
			 struct err *err) MUST_USE;
int store_sqlite_deny(void *conn, const struct call *c, const struct denial *d,
		      struct err *err) MUST_USE;
int store_sqlite_denied(void *conn, const struct call *c,
			const struct denial_question *q, bool *denied,
			struct err *err) MUST_USE;

#endif
