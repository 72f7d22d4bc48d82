/* SPDX-License-Identifier: MIT */
/*
 * What the wrappers of the store and of the user source have in common: an
 * opened backend that is counted, and one thread's connection to it, with
 * back-off.  For api/store.c and api/users.c.
 */
#ifndef API_LINK_H
#define API_LINK_H

#include "api/backend.h"
#include "api/identity.h"

#include <stdatomic.h>

/* The slots that both kinds of ops have. */
struct link_ops {
	const struct backend *base;
	const char *section; /* "store" or "users", for messages */
	bool embedded; /* a schema that is older is migrated */
	void (*close)(void *backend);
	int (*connect)(void *backend, void **conn, struct err *err);
	void (*disconnect)(void *conn);
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
};

/* One thread's way to it. */
struct link {
	const struct env *env;
	struct shared *shared; /* NULL: bound to nothing */
	void *conn; /* NULL: not connected */
	int64_t wait_ms; /* back-off; 0 after a success */
	int64_t retry_at_ms; /* no attempt before */
	struct err why; /* of the last failure */
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
 * Around every operation: begin connects when needed; end looks at the result
 * and drops the connection after ERR_UNAVAILABLE.  link_end() returns `result`.
 */
int link_begin(struct link *l, const char *operation, struct err *err) MUST_USE;
int link_end(struct link *l, int result, struct err *err) MUST_USE;

/* As store_check_schema(). */
int link_check_schema(struct link *l, struct err *err) MUST_USE;

/* ERR_INPUT that names the field which the headers would not allow. */
int link_check_identity(const struct identity *who, struct err *err) MUST_USE;

#endif
