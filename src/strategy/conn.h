/* SPDX-License-Identifier: MIT */
/*
 * The life of a store and of a user source as their callers see it: an opened
 * backend, shared by threads and counted, and one thread's connection to it,
 * which is made when it is first used and dropped on a failure.
 *
 * A connection that was idle may have been closed by the server, a pooler or
 * something between, which says nothing of the server: an operation on it that
 * was certainly not executed, or does no harm when it is executed twice, is
 * done once more on a new connection before anybody hears of a failure.  What
 * happens while the server is down is in strategy/breaker.h.
 */
#ifndef STRATEGY_CONN_H
#define STRATEGY_CONN_H

#include "strategy/backend.h"
#include "strategy/breaker.h"

/* What a section of the configuration says. */
struct backend_choice {
	const char *section; /* "store" or "users"; a constant */
	const struct backend_ops *ops;
	const void *conf;
};

/* The file of an embedded backend: its option `path`; NULL when it is none. */
const char *backend_path(const struct backend_choice *choice);

/* An opened backend, shared by threads. */
struct backend {
	const struct backend_ops *ops;
	const char *section; /* "store" or "users": which of the two it is */
	void *opened; /* by ops->open() */
	unsigned caps; /* of ops->driver.caps, what its configuration leaves */
	atomic_uint refs;
	/* The schema was asked for once, whatever came of it: every later
	 * connection is asked too, for the database may have come, or have been
	 * replaced, since. */
	atomic_bool checks;
	struct breaker breaker;
};

/* The conf is borrowed for the call. */
int backend_open(const struct backend_choice *choice, const struct env *env,
		 struct backend **out, struct err *err) MUST_USE;
struct backend *backend_ref(struct backend *b);
void backend_unref(struct backend *b); /* NULL is allowed */

/* One thread's connection to it. */
struct conn {
	size_t size; /* of the struct that begins with this one */
	const char *section;
	const struct env *env;
	struct backend *backend; /* NULL: bound to nothing */
	void *handle; /* of ops->connect(); NULL: not connected */
	unsigned connects; /* how often it did; a name for the connection */
	struct breaker_seat seat;
	bool old; /* the connection is from before the operation */
	bool repeatable; /* the operation */
	bool repeat; /* it failed, and is to be done once more */
	const char *operation; /* the one going on, for the log */
	int64_t began_ms;
};

/* A struct of `size` bytes that begins with a struct conn: not connected, bound
 * to nothing, zero behind it.  NULL: no memory. */
void *conn_new(size_t size, const char *section,
	       const struct env *env) MUST_USE;

/* Wipes the whole struct. */
void conn_free(struct conn *c);

/* Uses `b` from now on (it takes a reference), NULL is allowed.  When that is
 * another one, the old connection goes, and what follows the struct conn is
 * wiped. */
void conn_bind(struct conn *c, struct backend *b);

/*
 * ERR_CONFIG with what to run when the schema is older or newer than this
 * program; that of an embedded backend that is older is migrated instead.
 */
int conn_check_schema(struct conn *c, struct err *err) MUST_USE;

/* The operations of struct backend_ops, by their names. */
int conn_ping(struct conn *c, struct err *err) MUST_USE;
/* Never fails: advice that is not to be had is empty. */
void conn_advise(struct conn *c, char advice[BACKEND_ADVICE_MAX]);
/* Zero for a backend that has none. */
int conn_schema(struct conn *c, struct schema_state *out,
		struct err *err) MUST_USE;
int conn_migrate(struct conn *c, struct err *err) MUST_USE;

/* The rest is for strategy/store.c and strategy/users.c. */

/*
 * Around every operation: begin connects when needed; end, which is called
 * after each begin that gave 0, looks at the result and drops the connection
 * after ERR_UNAVAILABLE.  conn_end() returns `result`.
 *
 * `repeatable` is an operation that reads, or whose second execution changes
 * nothing and answers the same.  For any other one the server is asked before
 * whether the connection still works.
 */
int conn_begin(struct conn *c, const char *operation, bool repeatable,
	       struct err *err) MUST_USE;
int conn_end(struct conn *c, int result, struct err *err) MUST_USE;

/* After a failure: is it to be begun once more?  True at most once. */
bool conn_repeats(struct conn *c) MUST_USE;

/* `op`, an operation of the ops, on the connection of `c`; its arguments may be
 * evaluated twice, and the last of all is `err`. */
#define CONN_ONCE(c, repeatable, ops, op, ...)                                 \
	(conn_begin(c, #op, repeatable, err) != 0 ?                            \
	     -1 :                                                              \
	     conn_end(c, (ops)->op((c)->handle, __VA_ARGS__), err))
#define CONN_CALL(c, repeatable, ops, ...)                                     \
	(CONN_ONCE(c, repeatable, ops, __VA_ARGS__) == 0 ||                    \
		 (conn_repeats(c) &&                                           \
		  CONN_ONCE(c, repeatable, ops, __VA_ARGS__) == 0) ?           \
	     0 :                                                               \
	     -1)

/* There is a connection, and nobody has seen a failure since it answered. */
bool conn_is_good(const struct conn *c);

#endif
