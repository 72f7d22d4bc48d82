/* SPDX-License-Identifier: MIT */
/*
 * The daemon: everything that main() builds and passes on.
 *
 * This is the complete list of what threads share and change: the snapshot
 * slot (with its lock), the cache, the hash slots, the login floor, the queue
 * of last_seen, the internal state of each store and user source, the CSRF key
 * of a service, the log's level and limits, the last result of /ready, and the
 * loop's connection list, queues and counters. Anything else that is shared is
 * a bug.
 */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

#include "strategy/change.h"
#include "base/log.h"
#include "server/listen.h"
#include "server/notify.h"
#include "server/snapshot.h"
#include "server/upgrade.h"

struct feed_thread;
struct janitor;
struct loop;
struct postman;

struct daemon {
	const char *config_file;
	struct log log;
	struct env env;
	struct service_shared shared;
	struct log_limits log_limits;
	struct snapshot_slot slot;
	struct listeners listeners;
	struct loop *loop;
	/* The same for requests for the metrics, once all threads run. */
	_Atomic(struct loop *) counted;
	struct janitor *janitor;
	struct postman *postman;
	struct feed_thread *feed; /* NULL: there is no cache */
	struct change_sink changes; /* tells the cache */
	/* one for each worker, which alone uses it */
	struct service_conns *conns;
	unsigned workers;

	/* Used by the main thread only. */
	struct program program;
	struct notifier notifier;
	struct upgrade upgrade;
	int64_t upgrade_deadline_ms, next_watchdog_ms;
	/* it must be told to reload when it has started */
	bool reload_successor;
	bool stuck; /* a worker hangs, and this was logged */
	/* the service manager cannot be reached, and this was logged */
	bool notify_failed;
};

/* Blocks the signals that daemon_run() waits for. Called before daemon_init()
 * in a process that will serve, so that none of them ends it halfway. */
void daemon_block_signals(void);

/* Reads the configuration and opens what it names. When it returns -1, every
 * mistake has been printed to standard error. `check_only`: the process will
 * not serve, as in snapshot_load(). */
int daemon_init(struct daemon *d, const char *config_file,
		bool check_only) MUST_USE;

/* --check: probes the store and the user source, too (server/check.h). Prints a
 * line for each problem. */
int daemon_check(struct daemon *d) MUST_USE;

/* Serves until SIGTERM or SIGINT arrives, or until a successor serves; returns
 * 0 after a clean drain. `argv` is that of main(). */
int daemon_run(struct daemon *d, char *const *argv) MUST_USE;

/* Undoes daemon_init(). */
void daemon_free(struct daemon *d);

/*
 * The parts of daemon_run() that are in process.c: daemon_start() opens
 * everything and starts the threads; daemon_log_warnings() logs the warnings
 * about a configuration that is adopted; daemon_prepare_stores() checks the
 * schemas of what a snapshot names. `before` is the snapshot that it follows,
 * or NULL: if a file that `before` already uses cannot be used now, this does
 * not keep `s` from being adopted.
 */
int daemon_start(struct daemon *d, struct err *err) MUST_USE;
void daemon_log_warnings(struct daemon *d, const struct problems *problems);
int daemon_prepare_stores(struct daemon *d, const struct snapshot *before,
			  const struct snapshot *s, struct err *err) MUST_USE;

#endif
