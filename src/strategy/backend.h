/* SPDX-License-Identifier: MIT */
/*
 * The part of the interfaces that is common to stores, user sources and modes,
 * for implementers: the driver, by which the registry knows each of them, and
 * the life of a backend, which is a store or a user source.
 */
#ifndef STRATEGY_BACKEND_H
#define STRATEGY_BACKEND_H

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/option.h"

/*
 * The first member of the ops struct of every store, user source and mode. A
 * driver whose library was missing when the program was built is not compiled.
 * The registry keeps its name: its ops struct is zero except for name and
 * summary, and because conf_size is 0, `driver = NAME` is refused with "not
 * compiled in".
 */
struct driver {
	const char *name; /* as in `driver = NAME` */
	const char *summary; /* one line, for --list-backends */
	unsigned caps; /* BACKEND_* and USERS_* */
	const struct option *options; /* its keys; ends with OPTION_END */
	size_t conf_size; /* of the struct that the offsets refer to */

	/* Checks rules over several options, without I/O. NULL: there are
	 * none. */
	int (*check)(const void *conf, struct err *err);
};

enum backend_caps {
	BACKEND_PERSISTENT = 1 << 0, /* its contents survive a restart */
	BACKEND_SHARED = 1 << 1, /* several processes may use it at once */
	BACKEND_EMBEDDED = 1 << 2, /* a file of the service, which migrates
				    * its schema when it opens it */
};

/* Schema versions of a backend that keeps tables. */
struct schema_state {
	int64_t have; /* 0: the tables do not exist yet */
	int64_t want; /* of this program; 0: the backend has no schema */
};

#define BACKEND_ADVICE_MAX 200 /* with the NUL */

/*
 * The life of a store or of a user source.
 *
 * Lifetime  open() is called once for each distinct configuration; a reload
 *           that leaves the section unchanged keeps the backend. connect() is
 *           called once by each worker, and again after a failure; close() is
 *           called when the backend is no longer used.
 * Threads   a connection belongs to one worker. The data of the backend is
 *           shared; the backend must lock it.
 */
struct backend_ops {
	struct driver driver;

	/*
	 * Allocates the data that the process shares (a table, a lock, a parsed
	 * address). The main thread calls it at start and at a reload. It
	 * must not connect: a server that is down must not keep the service
	 * from starting. `conf` is borrowed for the call: open() must copy
	 * the values that are needed longer.
	 */
	int (*open)(const void *conf, const struct env *env, void **backend,
		    struct err *err);
	void (*close)(void *backend);

	/* Returns which of driver.caps the backend has in its configuration.
	 * NULL: all of them. */
	unsigned (*caps)(const void *backend);

	/* Opens the connection of one worker. It must return within a bounded
	 * time, and does not check the schema. */
	int (*connect)(void *backend, void **conn, struct err *err);
	void (*disconnect)(void *conn);

	/*
	 * Returns whether the connection has ended since it was last used.
	 * Without `ask` it must not wait; with `ask` it asks the server, within
	 * a bounded time. On a new connection the caller may then start an
	 * operation that was not started yet, and, after ERR_UNAVAILABLE,
	 * repeat an operation that may be executed twice; if the backend is
	 * embedded, only after ERR_UNDONE. NULL: a connection never ends by
	 * itself.
	 */
	bool (*is_lost)(void *conn, bool ask);

	/*
	 * Proves with one or two round trips that the backend is usable: all
	 * that a sign-in, a check, a rotation, a sign-out and sweep() read,
	 * add, change and delete is permitted, and the storage is writable;
	 * users can be found, and their hashes can be replaced if the service
	 * does that. It leaves no visible trace. It is used by --check, store
	 * status and /ready.
	 */
	int (*ping)(void *conn, struct err *err);

	/*
	 * Returns one sentence of advice for the administrator if a usable
	 * backend should be configured better; an empty string if there is no
	 * advice, or if the configuration cannot be read. NULL: there is
	 * nothing to check.
	 */
	int (*advise)(void *conn, char advice[BACKEND_ADVICE_MAX],
		      struct err *err);

	/* Reads the schema versions. NULL: the backend has no schema that
	 * belongs to the service. */
	int (*schema)(void *conn, struct schema_state *out, struct err *err);
	/* Brings the schema to version `want` in numbered steps, each in a
	 * transaction. Several processes may do so at once. */
	int (*migrate)(void *conn, struct err *err);
};

#endif
