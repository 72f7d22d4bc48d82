/* SPDX-License-Identifier: MIT */
/* The user source as its callers see it: like strategy/store.h, for the section
 * "users". */
#ifndef STRATEGY_USERS_H
#define STRATEGY_USERS_H

#include "strategy/conn.h"
#include "strategy/user_source.h"

#define USERS_HASH_MAX 512 /* bytes of a password hash */

/* Callers use `base`; the other fields belong to strategy/users.c. */
struct users_conn {
	struct conn base;
	char typical[USERS_HASH_MAX];
	size_t ntypical;
};

/* These are as in strategy/conn.h; a connection that is freed may be NULL. */
static inline int MUST_USE
users_open(const struct user_source_ops *ops, const void *conf,
	   const struct env *env, struct backend **out, struct err *err)
{
	const struct backend_choice choice = {
		.section = "users",
		.ops = &ops->base,
		.conf = conf,
	};

	return backend_open(&choice, env, out, err);
}

static inline struct users_conn *MUST_USE
users_conn_new(const struct env *env)
{
	return conn_new(sizeof(struct users_conn), "users", env);
}

static inline void
users_conn_free(struct users_conn *conn)
{
	if (conn != NULL)
		conn_free(&conn->base);
}

static inline void
users_conn_bind(struct users_conn *conn, struct backend *b)
{
	conn_bind(&conn->base, b);
}

static inline int MUST_USE
users_check_schema(struct users_conn *conn, struct err *err)
{
	return conn_check_schema(&conn->base, err);
}

static inline int MUST_USE
users_ping(struct users_conn *conn, struct err *err)
{
	return conn_ping(&conn->base, err);
}

static inline int MUST_USE
users_schema(struct users_conn *conn, struct schema_state *out, struct err *err)
{
	return conn_schema(&conn->base, out, err);
}

static inline int MUST_USE
users_migrate(struct users_conn *conn, struct err *err)
{
	return conn_migrate(&conn->base, err);
}

/* Returns whether the source has this capability in its configuration. */
bool users_can(const struct users_conn *conn, enum users_caps cap);

/* How often a user is looked up until two look-ups agree. users_keep_changing()
 * sets the error if they never do, and returns -1. */
#define USERS_LOOK_TRIES 10
int users_keep_changing(struct err *err);

/* A name that identity_name_is_valid() refuses is not found, and the source is
 * not asked. */
int users_find(struct users_conn *conn, const struct call *c, struct str name,
	       struct user_answer *out, struct err *err) MUST_USE;

/*
 * Finds the user whom a person means by the text that they typed at a sign-in:
 * their name or, as far as the source is configured for it, their name in
 * another case or their e-mail address. A user of exactly this name precedes
 * others. If there is none and the text fits several users, none of them is
 * found, and out->ambiguous is set. The name of the user is the one that the
 * source has.
 */
int users_find_typed(struct users_conn *conn, const struct call *c,
		     struct str text, struct user_answer *out,
		     struct err *err) MUST_USE;
/* Returns whether the text may be one that users_find_typed() finds. */
bool users_may_type(const struct users_conn *conn, struct str text);
/* Returns whether the text fits the user. */
bool users_fits(const struct users_conn *conn, const struct identity *who,
		struct str text);

/*
 * Returns a hash that is typical for the users of this source. It is verified
 * for a user who does not exist, so that the time of an answer does not
 * disclose which users exist. It is the last usable hash that this connection
 * has found, and valid until the connection finds another; empty if it has
 * found none.
 */
struct str users_typical_hash(const struct users_conn *conn);
/* Without USERS_REHASH nothing is done, and *changed is false. */
int users_set_hash(struct users_conn *conn, const struct call *c,
		   const struct hash_change *h, bool *changed,
		   struct err *err) MUST_USE;
/* These return ERR_CONFIG for a source that cannot be listed, or that cannot be
 * changed. */
int users_list(struct users_conn *conn, const struct call *c, struct str after,
	       size_t limit, struct user_list *out, struct err *err) MUST_USE;
int users_add(struct users_conn *conn, const struct call *c,
	      const struct user *user, enum user_change *answer,
	      struct err *err) MUST_USE;
int users_set(struct users_conn *conn, const struct call *c,
	      const struct user *old, const struct user *user,
	      enum user_change *answer, struct err *err) MUST_USE;
int users_remove(struct users_conn *conn, const struct call *c, struct str name,
		 enum user_change *answer, struct err *err) MUST_USE;

#endif
