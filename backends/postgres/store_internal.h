/* SPDX-License-Identifier: MIT */
/* What the files of the Postgres store share. */
#ifndef BACKENDS_POSTGRES_STORE_INTERNAL_H
#define BACKENDS_POSTGRES_STORE_INTERNAL_H

#include "strategy/session_store.h"
#include "backends/postgres/conn.h"

/* The change feed (feed.c): its operations, a statement that returns a row if
 * its triggers are in place, and the statement of prove(). */
extern const struct feed_ops postgres_feed;
extern const char postgres_feed_probe[];
extern const char postgres_feed_proof[];

struct postgres_conn;

/* The lock of the feed (feed_lock.c). The feed takes it, and gives it up when
 * its connection is closed. */
int postgres_feed_lock(struct postgres_conn *feed, int64_t *key,
		       struct err *err) MUST_USE;
void postgres_feed_unlock(const struct postgres_conn *feed, int64_t key);
/* Returns the key that the next statement on this connection must try; 0: there
 * is no feed. */
int64_t postgres_feed_key(void *conn);
/* The statement has found that the feed is not there. */
void postgres_feed_missed(void *conn, int64_t key);
bool postgres_feed_is_elsewhere(void *conn);

#define POSTGRES_STORE_EXTRAS 2
extern const struct postgres_extra postgres_store_extras[POSTGRES_STORE_EXTRAS];

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

int store_postgres_count_sessions(void *conn, const struct call *c,
				  struct session_counts *out,
				  struct err *err) MUST_USE;

#endif
