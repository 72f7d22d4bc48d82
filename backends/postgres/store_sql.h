/* SPDX-License-Identifier: MIT */
/* The statements of the Postgres store. */
#ifndef BACKENDS_POSTGRES_STORE_SQL_H
#define BACKENDS_POSTGRES_STORE_SQL_H

#include "strategy/session_store.h"
#include "backends/postgres/conn.h"

enum postgres_store_sql {
	STORE_SQL_SECRET_KEEP,
	STORE_SQL_SECRET_GET,
	STORE_SQL_LIMIT,
	STORE_SQL_CREATE,
	STORE_SQL_MAKE_ROOM,
	STORE_SQL_FIND,
	STORE_SQL_TOUCH,
	STORE_SQL_ROTATE,
	STORE_SQL_GRACE,
	STORE_SQL_REUSED,
	STORE_SQL_ROTATABLE,
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
	STORE_SQL_COUNT,
	STORE_SQL_SUCCEED,
	STORE_SQL_RESET,
	STORE_SQL_BANS,
	STORE_SQL_NETWORKS,
	STORE_SQL_UNLEARN,
	STORE_SQL_DENY,
	STORE_SQL_DENIED,
	STORE_SQL_SWEEP_LATER,
	STORE_SQL_SWEEP_SESSIONS,
	STORE_SQL_SWEEP_ATTEMPTS,
	STORE_SQL_SWEEP_DENIALS,
	STORE_SQL_SWEEP_LIMITS,
	STORE_SQL_SWEEP_NETWORKS,
	STORE_SQL_END
};

extern const char *const postgres_store_sql[STORE_SQL_END];

/* For postgres_spec.probe: it adds, changes, deletes and reads nothing, but
 * needs the permission to do so in every table, and a writable server. */
extern const char postgres_store_probe[];

/* Reads the columns of a session from a row; the texts point into the
 * result. */
void postgres_get_session(const PGresult *r, int row, struct session *out);

/* Upper limit for the total length of the texts of a valid session. */
#define POSTGRES_TEXTS_MAX                                                     \
	(IDENTITY_NAME_MAX + IDENTITY_ROLES_MAX + 2 * IDENTITY_TEXT_MAX + 512)

/* Copies the texts to `room`, which has POSTGRES_TEXTS_MAX bytes; if it is
 * NULL, into the arena. */
int postgres_keep_texts(struct session *s, char *room, struct arena *a,
			struct err *err) MUST_USE;

#define POSTGRES_NUMBERS_MAX 4

/* The only row of a result, or none. */
struct postgres_numbers {
	bool row;
	int64_t v[POSTGRES_NUMBERS_MAX]; /* its columns, as many as there are */
};

/* Executes a statement that returns at most one row, which has only numbers. */
int postgres_numbers(void *conn, enum postgres_store_sql which,
		     const struct postgres_arg *args, size_t nargs,
		     struct postgres_numbers *out, struct err *err) MUST_USE;

/* The operations for keys instead of sessions (denials.c), and those of
 * regulation (attempts.c). */
int store_postgres_standing(void *conn, const struct call *c,
			    const struct login_keys *k,
			    struct login_standing *out,
			    struct err *err) MUST_USE;
int store_postgres_count(void *conn, const struct call *c,
			 const struct login_keys *k, struct login_count *out,
			 struct err *err) MUST_USE;
int store_postgres_succeed(void *conn, const struct call *c,
			   const struct login_success *s,
			   struct err *err) MUST_USE;
int store_postgres_attempt(void *conn, const struct call *c, struct str key,
			   const struct attempt_policy *policy,
			   struct attempt *out, struct err *err) MUST_USE;
int store_postgres_give_back(void *conn, const struct call *c, struct str key,
			     int64_t ends_ms, struct err *err) MUST_USE;
int store_postgres_reset_attempts(void *conn, const struct call *c,
				  struct str key, bool *was_banned,
				  struct err *err) MUST_USE;
int store_postgres_bans(void *conn, const struct call *c, int64_t ban_ms,
			size_t limit, struct ban_list *out,
			struct err *err) MUST_USE;
int store_postgres_networks(void *conn, const struct call *c, struct str user,
			    struct known_networks *out,
			    struct err *err) MUST_USE;
int store_postgres_unlearn(void *conn, const struct call *c, struct str user,
			   struct err *err) MUST_USE;
int store_postgres_deny(void *conn, const struct call *c,
			const struct denial *d, struct err *err) MUST_USE;
int store_postgres_denied(void *conn, const struct call *c,
			  const struct denial_question *q, bool *denied,
			  struct err *err) MUST_USE;

#endif
