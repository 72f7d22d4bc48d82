/* SPDX-License-Identifier: MIT */
/*
 * The process: everything that main() builds and passes on.
 *
 * What threads share and change, all of it: the snapshot slot (its lock), the
 * hash slots, the login floor, the touches, each store's and user source's own
 * state, the CSRF key of a service, the log's level and limits, what /ready
 * found last, the loop's connection list and counters.  Anything else shared
 * is a bug.
 */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include "base/log.h"
#include "server/listen.h"
#include "server/notify.h"
#include "server/snapshot.h"
#include "server/upgrade.h"

struct janitor;
struct loop;

struct app {
	const char *config_file;
	struct log log;
	struct env env;
	struct service_shared shared;
	struct log_limits log_limits;
	struct snapshot_slot slot;
	struct listeners listeners;
	struct loop *loop;
	struct janitor *janitor;
	struct service_links *links; /* one a worker, used by it alone */
	unsigned workers;

	/* The main thread's. */
	struct program program;
	struct notifier notifier;
	struct upgrade upgrade;
	int64_t upgrade_deadline_ms, next_watchdog_ms;
	bool reload_successor; /* told to reload while it starts */
	bool stuck;	       /* a worker is, and that was logged */
	bool notify_failed;    /* the service manager is not reached: likewise */
};

/* The signals that app_run() waits for: before app_init(), in a process that
 * will serve, so that none of them ends it half-way. */
void app_block_signals(void);

/* Reads the configuration and opens what it names.  Every mistake has been
 * printed to standard error when it returns -1.  `look_only`: of a process that
 * will not serve, as in snapshot_load(). */
int app_init(struct app *app, const char *config_file, bool look_only) MUST_USE;

/* --check: looks at store and users too (server/check.h).  Prints a line for
 * each problem. */
int app_check(struct app *app) MUST_USE;

/* Serves until SIGTERM or SIGINT, or until a successor does; 0 after a clean
 * drain.  `argv` is what main() got. */
int app_run(struct app *app, char *const *argv) MUST_USE;

/* Undoes app_init(). */
void app_free(struct app *app);

/* Parts of app_run(), in process.c: opens all and starts the threads; logs
 * what a configuration that is taken warns of; looks at the schemas of what a
 * snapshot names.  `before`: the snapshot that it is to follow, or NULL; a file
 * of its that cannot be used now does not keep the next one out. */
int app_start(struct app *app, struct err *err) MUST_USE;
void app_log_warnings(struct app *app, const struct problems *problems);
int app_prepare_stores(struct app *app, const struct snapshot *before,
		       const struct snapshot *s, struct err *err) MUST_USE;

#endif
