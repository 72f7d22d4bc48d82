/* SPDX-License-Identifier: MIT */
/*
 * The factor store as its callers see it: like strategy/store.h, for the
 * section "factors". There may be none: then the connection is not bound to a
 * backend, and what needs the store is not offered.
 */
#ifndef STRATEGY_FACTORS_H
#define STRATEGY_FACTORS_H

#include "strategy/conn.h"
#include "strategy/factor_store.h"

/* Callers use `base`. */
struct factors_conn {
	struct conn base;
};

/* These are as in strategy/conn.h; a connection that is freed may be NULL. */
static inline int MUST_USE
factors_open(const struct factor_store_ops *ops, const void *conf,
	     const struct env *env, struct backend **out, struct err *err)
{
	const struct backend_choice choice = {
		.section = "factors",
		.ops = &ops->base,
		.conf = conf,
	};

	return backend_open(&choice, env, out, err);
}

static inline struct factors_conn *MUST_USE
factors_conn_new(const struct env *env)
{
	return conn_new(sizeof(struct factors_conn), "factors", env);
}

static inline void
factors_conn_free(struct factors_conn *conn)
{
	if (conn != NULL)
		conn_free(&conn->base);
}

/* `b` is NULL if there is no factor store. */
static inline void
factors_conn_bind(struct factors_conn *conn, struct backend *b)
{
	conn_bind(&conn->base, b);
}

/* Returns the connection if it is bound to a backend, else NULL. */
static inline struct factors_conn *
factors_conn_bound(struct factors_conn *conn)
{
	return conn != NULL && conn->base.backend != NULL ? conn : NULL;
}

static inline int MUST_USE
factors_check_schema(struct factors_conn *conn, struct err *err)
{
	return conn_check_schema(&conn->base, err);
}

static inline int MUST_USE
factors_ping(struct factors_conn *conn, struct err *err)
{
	return conn_ping(&conn->base, err);
}

static inline int MUST_USE
factors_schema(struct factors_conn *conn, struct schema_state *out,
	       struct err *err)
{
	return conn_schema(&conn->base, out, err);
}

static inline int MUST_USE
factors_migrate(struct factors_conn *conn, struct err *err)
{
	return conn_migrate(&conn->base, err);
}

/* The operations of strategy/factor_store.h of the same names. A name of a user
 * that identity_name_is_valid() refuses has no records, and the store is not
 * asked; a record for it, or one with an invalid text, is ERR_INPUT. */
int factors_account(struct factors_conn *conn, const struct call *c,
		    struct str user, struct account *out,
		    struct err *err) MUST_USE;
/* Makes the handle itself. */
int factors_account_set(struct factors_conn *conn, const struct call *c,
			const struct account_change *change,
			struct err *err) MUST_USE;
/* Sets created_ms itself. Only a secret of a user may be `alone`. */
int factors_one_time_put(struct factors_conn *conn, const struct call *c,
			 const struct one_time *secret, bool alone,
			 struct err *err) MUST_USE;
int factors_one_time_peek(struct factors_conn *conn, const struct call *c,
			  const struct one_time_hash *hash,
			  enum one_time_kind kind, struct one_time_answer *out,
			  struct err *err) MUST_USE;
int factors_one_time_take(struct factors_conn *conn, const struct call *c,
			  const struct one_time_hash *hash,
			  enum one_time_kind kind, struct one_time_answer *out,
			  struct err *err) MUST_USE;
/* `voided` may be NULL. */
int factors_one_time_void(struct factors_conn *conn, const struct call *c,
			  struct str user, unsigned kinds, int64_t *voided,
			  struct err *err) MUST_USE;
/* Sets the id, the times but expires_ms, and the tries itself. */
int factors_mail_add(struct factors_conn *conn, const struct call *c,
		     const struct mail *mail, struct err *err) MUST_USE;
int factors_mail_claim(struct factors_conn *conn, const struct call *c,
		       size_t limit, int64_t lease_ms, struct mail_list *out,
		       struct err *err) MUST_USE;
int factors_mail_done(struct factors_conn *conn, const struct call *c,
		      const uint8_t id[MAIL_ID_BYTES],
		      struct err *err) MUST_USE;
int factors_mail_retry(struct factors_conn *conn, const struct call *c,
		       const struct mail_retry *retry,
		       struct err *err) MUST_USE;
int factors_remove_user(struct factors_conn *conn, const struct call *c,
			struct str user, int64_t *removed,
			struct err *err) MUST_USE;
int factors_sweep(struct factors_conn *conn, const struct call *c, size_t limit,
		  int64_t *removed, struct err *err) MUST_USE;

#endif
