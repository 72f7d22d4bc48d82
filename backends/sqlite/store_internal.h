/* SPDX-License-Identifier: MIT */
/* What the files of the SQLite store share. */
#ifndef BACKENDS_SQLITE_STORE_INTERNAL_H
#define BACKENDS_SQLITE_STORE_INTERNAL_H

#include "strategy/session_store.h"
#include "backends/sqlite/conn.h"

/* The change feed (feed.c). */
extern const struct feed_ops sqlite_feed_ops;

/* Reads the columns of a session from the current row; texts are copied into
 * the arena. */
int sqlite_get_session(sqlite3_stmt *stmt, struct arena *a, struct session *out,
		       struct err *err) MUST_USE;

/* Returns the value of a mark for the column of a session; NULL if the mark is
 * unknown (marks.c). */
struct sqlite_arg sqlite_mark_arg(const struct password_mark *mark);
int store_sqlite_remark(void *conn, const struct call *c,
			const struct remark *m, struct err *err) MUST_USE;

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

int store_sqlite_count_sessions(void *conn, const struct call *c,
				struct session_counts *out,
				struct err *err) MUST_USE;

#endif
