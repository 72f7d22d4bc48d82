/* SPDX-License-Identifier: MIT */
/*
 * The store as its callers see it: a struct backend of the section "store",
 * shared by all threads, and a struct store_conn, which is one thread's
 * connection to it (strategy/conn.h). While the store is down all calls but
 * one fail at once with ERR_UNAVAILABLE (strategy/breaker.h).
 */
#ifndef STRATEGY_STORE_H
#define STRATEGY_STORE_H

#include "strategy/conn.h"
#include "strategy/session_store.h"

#define STORE_SECRETS_MAX 8

/* A secret that store_secret() has read; valid as long as the connection is the
 * same and the store was not emptied. */
struct known_secret {
	const char *name; /* NULL: none */
	uint8_t value[32];
};

/* Callers use `base`; the other fields belong to strategy/store.c. */
struct store_conn {
	struct conn base;
	struct known_secret secrets[STORE_SECRETS_MAX];
	unsigned told; /* base.connects of the connection that read them */
	unsigned emptied; /* base.backend->emptied when it read them */
};

/* These are as in strategy/conn.h; a connection that is freed may be NULL. */
static inline int MUST_USE
store_open(const struct session_store_ops *ops, const void *conf,
	   const struct env *env, struct backend **out, struct err *err)
{
	const struct backend_choice choice = {
		.section = "store",
		.ops = &ops->base,
		.conf = conf,
	};

	return backend_open(&choice, env, out, err);
}

static inline struct store_conn *MUST_USE
store_conn_new(const struct env *env)
{
	return conn_new(sizeof(struct store_conn), "store", env);
}

static inline void
store_conn_free(struct store_conn *conn)
{
	if (conn != NULL)
		conn_free(&conn->base);
}

static inline void
store_conn_bind(struct store_conn *conn, struct backend *b)
{
	conn_bind(&conn->base, b);
}

static inline int MUST_USE
store_check_schema(struct store_conn *conn, struct err *err)
{
	return conn_check_schema(&conn->base, err);
}

static inline int MUST_USE
store_ping(struct store_conn *conn, struct err *err)
{
	return conn_ping(&conn->base, err);
}

static inline int MUST_USE
store_schema(struct store_conn *conn, struct schema_state *out, struct err *err)
{
	return conn_schema(&conn->base, out, err);
}

static inline int MUST_USE
store_migrate(struct store_conn *conn, struct err *err)
{
	return conn_migrate(&conn->base, err);
}

/* The operations of strategy/session_store.h of the same names. */
/* The secret is cached as long as the connection lasts and the store is not
 * emptied; `name` must be a constant. */
int store_secret(struct store_conn *conn, const struct call *c,
		 const char *name, uint8_t value[32], struct err *err) MUST_USE;
/* Makes store_secret() ask the store again. If the store was emptied or
 * replaced, another connection may have made another secret. So a caller does
 * this when what a client presents does not fit the secret. */
void store_forget_secrets(struct store_conn *conn);
/* The same for all connections: everything in the store may have changed. */
void store_emptied(struct backend *store);
/* `evicted` may be NULL. */
int store_create(struct store_conn *conn, const struct call *c,
		 const struct session *session, int64_t max_per_user,
		 int64_t *evicted, struct err *err) MUST_USE;
int store_find(struct store_conn *conn, const struct call *c,
	       const struct session_id *id, const struct token_hash *token,
	       struct session_answer *out, struct err *err) MUST_USE;
int store_touch(struct store_conn *conn, const struct call *c,
		const struct touch *t, struct err *err) MUST_USE;
int store_rotate(struct store_conn *conn, const struct call *c,
		 const struct rotation *r, struct rotated *out,
		 struct err *err) MUST_USE;
int store_deny(struct store_conn *conn, const struct call *c,
	       const struct denial *d, struct err *err) MUST_USE;
int store_denied(struct store_conn *conn, const struct call *c,
		 const struct denial_question *q, bool *denied,
		 struct err *err) MUST_USE;
int store_revoke(struct store_conn *conn, const struct call *c,
		 const struct session_id *id, bool *ended,
		 struct err *err) MUST_USE;
int store_revoke_user(struct store_conn *conn, const struct call *c,
		      struct str user, const struct session_id *except,
		      int64_t *ended, struct err *err) MUST_USE;
int store_revoke_all(struct store_conn *conn, const struct call *c,
		     int64_t *ended, struct err *err) MUST_USE;
int store_update_user(struct store_conn *conn, const struct call *c,
		      const struct identity *who, struct err *err) MUST_USE;
/* Does nothing if one of the marks is unknown, or if both are the same. */
int store_remark(struct store_conn *conn, const struct call *c,
		 const struct remark *m, struct err *err) MUST_USE;
int store_list(struct store_conn *conn, const struct call *c,
	       const struct session_query *q, struct session_cursor *cursor,
	       struct session_list *out, struct err *err) MUST_USE;
int store_count_sessions(struct store_conn *conn, const struct call *c,
			 struct session_counts *out, struct err *err) MUST_USE;
int store_standing(struct store_conn *conn, const struct call *c,
		   const struct login_keys *k, struct login_standing *out,
		   struct err *err) MUST_USE;
int store_count(struct store_conn *conn, const struct call *c,
		const struct login_keys *k, struct login_count *out,
		struct err *err) MUST_USE;
int store_succeed(struct store_conn *conn, const struct call *c,
		  const struct login_success *s, struct err *err) MUST_USE;
int store_attempt(struct store_conn *conn, const struct call *c, struct str key,
		  const struct attempt_policy *policy, struct attempt *out,
		  struct err *err) MUST_USE;
int store_give_back(struct store_conn *conn, const struct call *c,
		    struct str key, int64_t ends_ms, struct err *err) MUST_USE;
int store_reset_attempts(struct store_conn *conn, const struct call *c,
			 struct str key, bool *was_banned,
			 struct err *err) MUST_USE;
int store_bans(struct store_conn *conn, const struct call *c, int64_t ban_ms,
	       size_t limit, struct ban_list *out, struct err *err) MUST_USE;
int store_networks(struct store_conn *conn, const struct call *c,
		   struct str user, struct known_networks *out,
		   struct err *err) MUST_USE;
int store_unlearn(struct store_conn *conn, const struct call *c,
		  struct str user, struct err *err) MUST_USE;
/* *removed is 0 for a store that drops expired records by itself. */
int store_sweep(struct store_conn *conn, const struct call *c, size_t limit,
		int64_t *removed, struct err *err) MUST_USE;

#endif
