/* SPDX-License-Identifier: MIT */
/*
 * The life of a store and of a user source as their callers see it: an opened
 * backend, which threads share and which is reference-counted, and a connection
 * of one thread to it, which is made at its first use and dropped on a failure.
 *
 * The server, a pooler or a device between may have closed an idle connection,
 * which tells nothing about the server. An operation on such a connection that
 * was certainly not executed, or that may be executed twice, is repeated once
 * on a new connection before a failure is reported. strategy/breaker.h
 * describes what happens while the server is down.
 */
#ifndef STRATEGY_CONN_H
#define STRATEGY_CONN_H

#include "strategy/backend.h"
#include "strategy/breaker.h"

struct change_sink;
struct histogram;

/* The backend that a section of the configuration chooses. */
struct backend_choice {
	const char *section; /* "store", "users" or "factors"; a constant */
	const struct backend_ops *ops; /* NULL: there is no backend */
	const void *conf;
	/* Is told what this process changes in a store; it must outlive the
	 * backend. NULL: nobody is told. */
	const struct change_sink *changes;
	/* Counts how long operations take; it must outlive the backend. NULL:
	 * nobody counts. */
	struct histogram *durations;
};

/* Returns the file of an embedded backend, which is its option `path`; NULL if
 * the backend is not embedded, or if there is none. */
const char *backend_path(const struct backend_choice *choice);

/* An opened backend, shared by threads. */
struct backend {
	const struct backend_ops *ops;
	const char *section; /* as in struct backend_choice */
	void *opened; /* by ops->open() */
	unsigned caps; /* those of ops->driver.caps that it is configured for */
	/* as in struct backend_choice */
	const struct change_sink *changes;
	struct histogram *durations;
	atomic_uint emptied; /* how often a store may have been emptied */
	atomic_uint refs;
	/* True once the schema was checked, whatever the result: from then on
	 * every new connection checks it, because the server may have come up,
	 * or the database may have been replaced, since. */
	atomic_bool checks;
	struct breaker breaker;
};

/* Opens a backend with one reference. The conf is borrowed for the call. */
int backend_open(const struct backend_choice *choice, const struct env *env,
		 struct backend **out, struct err *err) MUST_USE;
struct backend *backend_ref(struct backend *b);
void backend_unref(struct backend *b); /* NULL is allowed */

/* Returns whether the backend has answered the last operation (breaker.h). */
bool backend_is_good(struct backend *b);

/* One thread's connection to it. */
struct conn {
	size_t size; /* of the struct that begins with this one */
	const char *section;
	const struct env *env;
	struct backend *backend; /* NULL: bound to nothing */
	void *handle; /* of ops->connect(); NULL: not connected */
	unsigned connects; /* counts connections, and so identifies this one */
	struct breaker_seat seat;
	bool old; /* the connection is older than the current operation */
	bool repeatable; /* the current operation may be executed twice */
	bool repeat; /* the operation failed and must be repeated once */
	const char *operation; /* the current one, for the log */
	int64_t began_ms; /* monotonic clock: when the operation began */
};

/* Allocates a struct of `size` bytes that begins with a struct conn, which is
 * not connected and not bound to a backend; the bytes behind it are zero.
 * NULL: out of memory. */
void *conn_new(size_t size, const char *section,
	       const struct env *env) MUST_USE;

/* Wipes and frees the whole struct. */
void conn_free(struct conn *c);

/* Uses `b` from now on, and takes a reference to it; NULL is allowed. If `b`
 * is another backend than before, the old connection is dropped, and the bytes
 * behind the struct conn are wiped. */
void conn_bind(struct conn *c, struct backend *b);

/*
 * Checks the schema. If it is older or newer than this program, the result is
 * ERR_CONFIG with what to run; an older schema of an embedded backend is
 * migrated instead.
 */
int conn_check_schema(struct conn *c, struct err *err) MUST_USE;

/* The operations of struct backend_ops of the same names. */
int conn_ping(struct conn *c, struct err *err) MUST_USE;
/* Never fails: on an error the advice is empty. */
void conn_advise(struct conn *c, char advice[BACKEND_ADVICE_MAX]);
/* *out is zero for a backend without a schema. */
int conn_schema(struct conn *c, struct schema_state *out,
		struct err *err) MUST_USE;
int conn_migrate(struct conn *c, struct err *err) MUST_USE;

/* The rest is for strategy/store.c, strategy/users.c and strategy/factors.c. */

/*
 * These enclose every operation: conn_begin() connects if necessary;
 * conn_end(), which must be called after each conn_begin() that returned 0,
 * checks the result and drops the connection after ERR_UNAVAILABLE. It returns
 * `result`.
 *
 * An operation is `repeatable` if it only reads, or if a second execution
 * changes nothing and returns the same. Before any other operation the server
 * is asked whether the connection still works.
 */
int conn_begin(struct conn *c, const char *operation, bool repeatable,
	       struct err *err) MUST_USE;
int conn_end(struct conn *c, int result, struct err *err) MUST_USE;

/* Returns after a failure whether the operation must be repeated; true at most
 * once per operation. */
bool conn_repeats(struct conn *c) MUST_USE;

/* Executes `op`, an operation of the ops, on the connection of `c`. Its
 * arguments may be evaluated twice; the last one must be `err`. Each of these
 * files derives two macros from it: CALL is for operations that must not be
 * executed twice; REPEAT is for those that change nothing, or change nothing
 * more when they are executed again. */
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

/* Returns whether the next operation will use the connection of `c`: no thread
 * has seen a failure since the server last answered on it, and it has not
 * ended, as far as that can be known without a question to a server. */
bool conn_is_current(const struct conn *c);

#endif
