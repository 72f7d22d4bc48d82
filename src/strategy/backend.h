/* SPDX-License-Identifier: MIT */
/*
 * What the strategies have in common, for implementers: the driver, which the
 * registry knows of each of them, and the life of a backend, which is a store
 * or a user source.
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
 * The head of every strategy.  Of a driver whose library was missing when the
 * program was built nothing is compiled.  The registry keeps its name: its ops
 * struct is zero but for name and summary, and a conf_size of 0 makes `driver =
 * NAME` say "not compiled in".
 */
struct driver {
	const char *name;    /* as in `driver = NAME` */
	const char *summary; /* one line, for --list-backends */
	unsigned caps; /* STORE_* or USERS_* */
	const struct option *options; /* its keys; ends with OPTION_END */
	size_t conf_size; /* of the struct those offsets are in */

	/* Rules over several options.  No I/O.  NULL: there are none. */
	int (*check)(const void *conf, struct err *err);
};

enum backend_caps {
	BACKEND_PERSISTENT = 1 << 0, /* survives a restart */
	BACKEND_SHARED = 1 << 1, /* several processes may use it at once */
	BACKEND_EMBEDDED = 1 << 2, /* a file of ours: migrates by itself */
};

/* Schema of a backend that keeps tables. */
struct schema_state {
	int64_t have; /* 0: nothing there yet */
	int64_t want; /* of this program; 0: the backend has no schema */
};

#define BACKEND_ADVICE_MAX 200 /* with the NUL */

/*
 * The life of a store or of a user source.
 *
 * Lives    open() once per distinct configuration; a reload that leaves the
 *          section unchanged keeps the backend.  connect() once per worker (and
 *          again after a failure), close() when nobody uses it any more.
 * Threads  a conn belongs to one worker.  What hangs off the backend is shared;
 *          the backend locks it.
 */
struct backend_ops {
	struct driver driver;

	/*
	 * Main thread, at start and reload.  Takes what the process shares
	 * (a table, a lock, a parsed address).  May not connect: a server that
	 * is down must not keep us from starting.  `conf` is borrowed for the
	 * call: copy what is needed longer.
	 */
	int (*open)(const void *conf, const struct env *env, void **backend,
		    struct err *err);
	void (*close)(void *backend);

	/* Which of driver.caps it has as it was configured.  NULL: all. */
	unsigned (*caps)(const void *backend);

	/* One worker's connection.  Bounded in time.  Does not look at the
	 * schema. */
	int (*connect)(void *backend, void **conn, struct err *err);
	void (*disconnect)(void *conn);

	/*
	 * Has the connection ended since it was last used?  Without `ask` only
	 * what is known without waiting; with it the server is asked, in
	 * bounded time.  A caller may then repeat, on a new connection, what
	 * they have not yet begun, and after ERR_UNAVAILABLE the operations
	 * that may be done twice.  NULL: a connection does not end by itself.
	 */
	bool (*is_lost)(void *conn, bool ask);

	/*
	 * A round trip or two that prove the backend usable: whatever a login,
	 * a check, a rotation, a sign-out and sweep() read, add, change and
	 * delete is allowed, and the place for it can be written; users can be
	 * found, and their hashes replaced where that is ours.  Leaves nothing
	 * that anybody sees.  It is behind --check, store status and /ready.
	 */
	int (*ping)(void *conn, struct err *err);

	/*
	 * What had better be set up otherwise, though the backend is usable, as
	 * a sentence for the administrator; empty when there is nothing, or
	 * when it cannot be seen.  NULL: there is nothing to look at.
	 */
	int (*advise)(void *conn, char advice[BACKEND_ADVICE_MAX],
		      struct err *err);

	/* NULL when there is no schema of ours. */
	int (*schema)(void *conn, struct schema_state *out, struct err *err);
	/* Brings the schema to `want`; numbered steps, each a transaction;
	 * safe when several processes do it at once. */
	int (*migrate)(void *conn, struct err *err);
};

#endif
