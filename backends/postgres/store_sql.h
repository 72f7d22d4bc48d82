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
	STORE_SQL_BANNED,
	STORE_SQL_RESET,
	STORE_SQL_BANS,
	STORE_SQL_LEARN,
	STORE_SQL_FORGET_OLDEST,
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

/* As postgres_spec.look: adds, changes, deletes and reads nothing, but needs
 * the right to, in every table, and a server that writes. */
extern const char postgres_store_look[];

/* A row of the columns of a session; its texts point into the result. */
void postgres_get_session(const PGresult *r, int row, struct session *out);

/* More than the texts of a session that was checked. */
#define POSTGRES_TEXTS_MAX                                                     \
	(IDENTITY_NAME_MAX + IDENTITY_ROLES_MAX + 2 * IDENTITY_TEXT_MAX + 512)

/* Moves the texts into `room`, of POSTGRES_TEXTS_MAX bytes; with NULL, into
 * the arena. */
int postgres_keep_texts(struct session *s, char *room, struct arena *a,
			struct err *err) MUST_USE;

#define POSTGRES_NUMBERS_MAX 3

/* The one row that a statement gave, or none. */
struct postgres_numbers {
	bool row;
	int64_t v[POSTGRES_NUMBERS_MAX]; /* its columns, as many as there are */
};

/* Runs a statement that gives at most one row, of numbers. */
int postgres_numbers(void *conn, enum postgres_store_sql which,
		     const struct postgres_arg *args, size_t nargs,
		     struct postgres_numbers *out, struct err *err) MUST_USE;

/* The operations that are about keys, not sessions (denials.c), and those
 * of regulation (attempts.c). */
int store_postgres_attempt(void *conn, const struct call *c, struct str key,
			   const struct attempt_policy *policy,
			   struct attempt *out, struct err *err) MUST_USE;
int store_postgres_give_back(void *conn, const struct call *c, struct str key,
			     int64_t ends_ms, struct err *err) MUST_USE;
int store_postgres_banned(void *conn, const struct call *c, struct str key,
			  int64_t ban_ms, int64_t *banned_until_ms,
			  struct err *err) MUST_USE;
int store_postgres_reset_attempts(void *conn, const struct call *c,
				  struct str key, bool *was_banned,
				  struct err *err) MUST_USE;
int store_postgres_bans(void *conn, const struct call *c, int64_t ban_ms,
			size_t limit, struct ban_list *out,
			struct err *err) MUST_USE;
int store_postgres_learn(void *conn, const struct call *c, struct str user,
			 const struct known_network *network,
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
