/* SPDX-License-Identifier: MIT */
/*
 * Users in a table of somebody else's, by statements of the administrator's.
 * What they give is text and may be anything: a user who is not what
 * strategy/identity.h allows is found disabled, without more than his name, and the
 * log says why.
 */
#ifndef BACKENDS_POSTGRES_FOREIGN_H
#define BACKENDS_POSTGRES_FOREIGN_H

#include "strategy/user_source.h"
#include "backends/postgres/conn.h"
#include "base/log.h"

/* `query` runs, takes a name, and gives columns that we know, among them those
 * that we need; `update_hash` (NULL: none) takes three values.  Else
 * ERR_CONFIG that says what is wrong. */
int foreign_check(struct postgres_link *l, const char *query,
		  const char *update_hash, struct err *err) MUST_USE;

/* As user_source_ops.ping. */
int foreign_ping(struct postgres_link *l, const char *query,
		 struct err *err) MUST_USE;

/* Of users who are not what they have to be: a line a second, as whoever types
 * their names can have it written. */
struct foreign_log {
	const struct env *env;
	struct log_limit limit;
};

/* Where they are, and how they are asked for. */
struct foreign {
	struct postgres_link *link;
	const char *query, *update_hash;
	struct foreign_log *log;
};

/* As user_source_ops.find; of `f` without update_hash. */
int foreign_find(const struct foreign *f, const struct call *c, struct str name,
		 struct user_answer *out, struct err *err) MUST_USE;

/* As user_source_ops.set_hash; of `f` the link and update_hash. */
int foreign_set_hash(const struct foreign *f, const struct call *c,
		     const struct hash_change *h, bool *changed,
		     struct err *err) MUST_USE;

#endif
