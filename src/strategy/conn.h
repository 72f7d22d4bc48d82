/* SPDX-License-Identifier: MIT */
/*
 * What the wrappers of the store and of the user source have in common: an
 * opened backend that is counted, and one thread's connection to it.  For
 * strategy/store.c and strategy/users.c.
 *
 * A connection that was idle may have been closed by the server, a pooler or
 * something between, which says nothing of the server: an operation on it that
 * was certainly not executed, or does no harm when it is executed twice, is
 * done once more on a new connection before anybody hears of a failure.
 */
#ifndef STRATEGY_CONN_H
#define STRATEGY_CONN_H

#include "strategy/backend.h"
#include "strategy/breaker.h"

/* The slots that both kinds of ops have. */
struct link_ops {
	const struct driver *driver;
	const char *section; /* "store" or "users", for messages */
	bool embedded; /* a schema that is older is migrated */
	void (*close)(void *backend);
	int (*connect)(void *backend, void **conn, struct err *err);
	void (*disconnect)(void *conn);
	bool (*is_lost)(void *conn, bool ask); /* NULL: never */
	int (*schema)(void *conn, struct schema_state *out, struct err *err);
	int (*migrate)(void *conn, struct err *err);
};

/* An opened backend, shared by threads. */
struct shared {
	struct link_ops ops;
	void *backend;
	atomic_uint refs;
	/* The schema was asked for once, whatever came of it: every later
	 * connection is asked too, for the database may have come, or have been
	 * replaced, since. */
	atomic_bool checks;
	struct breaker breaker;
};

/* One thread's way to it. */
struct link {
	const struct env *env;
	struct shared *shared; /* NULL: bound to nothing */
	void *conn; /* NULL: not connected */
	unsigned connects; /* how often it did; a name for the connection */
	struct breaker_seat seat;
	bool old; /* the connection is from before the operation */
	bool repeatable; /* the operation */
	bool repeat; /* it failed, and is to be done once more */
	const char *operation; /* the one going on, for the log */
	int64_t began_ms;
};

void shared_init(struct shared *s, struct link_ops ops, void *backend);
void shared_ref(struct shared *s);
/* True when that was the last one: the backend is closed, free the rest. */
bool shared_unref(struct shared *s) MUST_USE;

void link_init(struct link *l, const struct env *env);
/* Only disconnects: the caller counts. */
void link_bind(struct link *l, struct shared *s);

/*
 * Around every operation: begin connects when needed; end, which is called
 * after each begin that gave 0, looks at the result and drops the connection
 * after ERR_UNAVAILABLE.  link_end() returns `result`.
 *
 * `repeatable` is an operation that reads, or whose second execution changes
 * nothing and answers the same.  For any other one the server is asked before
 * whether the connection still works.
 */
int link_begin(struct link *l, const char *operation, bool repeatable,
	       struct err *err) MUST_USE;
int link_end(struct link *l, int result, struct err *err) MUST_USE;

/* After a failure: is it to be begun once more?  True at most once. */
bool link_repeats(struct link *l) MUST_USE;

/* `op`, an operation of the ops, on the connection of `l`; its arguments may be
 * evaluated twice, and the last of all is `err`. */
#define LINK_ONCE(l, repeatable, ops, op, ...)                                 \
	(link_begin(l, #op, repeatable, err) != 0                              \
	     ? -1                                                              \
	     : link_end(l, (ops)->op((l)->conn, __VA_ARGS__), err))
#define LINK_CALL(l, repeatable, ops, ...)                                     \
	(LINK_ONCE(l, repeatable, ops, __VA_ARGS__) == 0 ||                    \
		 (link_repeats(l) &&                                           \
		  LINK_ONCE(l, repeatable, ops, __VA_ARGS__) == 0)             \
	     ? 0                                                               \
	     : -1)

/* There is a connection, and nobody has seen a failure since it answered. */
bool link_is_good(const struct link *l);

/* As store_check_schema(). */
int link_check_schema(struct link *l, struct err *err) MUST_USE;

#endif
