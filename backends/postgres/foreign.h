/* SPDX-License-Identifier: MIT */
/*
 * Users in a table of another application, by statements of the administrator.
 * The statements may return any text: a user who does not match the rules of
 * strategy/identity.h is found disabled, with nothing but their name, and the
 * reason is logged.
 */
#ifndef BACKENDS_POSTGRES_FOREIGN_H
#define BACKENDS_POSTGRES_FOREIGN_H

#include "strategy/user_source.h"
#include "backends/postgres/conn.h"
#include "base/log.h"

/* Checks that `query` runs, has one parameter, and returns only known columns,
 * including the required ones, and that `update_hash` (NULL: none) has three
 * parameters. Else the error is ERR_CONFIG with what is wrong. */
int foreign_check(struct postgres_conn *pg, const char *query,
		  const char *update_hash, struct err *err) MUST_USE;

/* Implements the operation ping. */
int foreign_ping(struct postgres_conn *pg, const char *query,
		 struct err *err) MUST_USE;

/* The state of the log of invalid users. It has at most one line per second,
 * because any client that types their names causes a line. */
struct foreign_log {
	const struct env *env;
	struct log_limit limit;
};

/* The connection and the statements. */
struct foreign {
	struct postgres_conn *pg;
	const char *query, *update_hash;
	bool forms; /* the query may return several users */
	struct foreign_log *log;
};

/* Implements user_source_ops.find; does not use f->update_hash. */
int foreign_find(const struct foreign *f, const struct call *c, struct str name,
		 struct user_answer *out, struct err *err) MUST_USE;

/* Implements user_source_ops.find_typed; does not use f->update_hash. */
int foreign_find_typed(const struct foreign *f, const struct call *c,
		       struct str text, struct user_list *out,
		       struct err *err) MUST_USE;

/* Implements user_source_ops.set_hash; uses only the pg and update_hash. */
int foreign_set_hash(const struct foreign *f, const struct call *c,
		     const struct hash_change *h, bool *changed,
		     struct err *err) MUST_USE;

#endif
