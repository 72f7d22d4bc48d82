/* SPDX-License-Identifier: MIT */
/* What the files of a watch share. */
#ifndef BACKENDS_REDIS_CLIENT_WATCH_INTERNAL_H
#define BACKENDS_REDIS_CLIENT_WATCH_INTERNAL_H

#include "backends/redis/client/conn_internal.h"
#include "backends/redis/client/watch.h"

#include <poll.h>

#define REDIS_REPLID_LEN 40
#define REDIS_SWAPS_MAX	 32

/* One master. */
struct redis_watched {
	struct redis_wire *feed; /* receives the changes */
	struct redis_wire *check; /* of the cluster, if there is one */
	char replid[REDIS_REPLID_LEN + 1]; /* the history of its data */
	/* the number of calls of SWAPDB, and their time */
	char swaps[REDIS_SWAPS_MAX];
};

struct redis_watch_sentinel {
	struct redis_wire *wire; /* NULL: not connected */
	int64_t skip_until_ms; /* it did not answer */
};

struct redis_watch {
	struct redis_server *server;
	struct redis_watch_conf conf;
	struct arena *arena;
	struct redis_cluster *cluster; /* NULL: no cluster */
	struct redis_watch_sentinel *sentinels;
	struct redis_watched *v;
	size_t n;
	struct pollfd *fds; /* of v, and conf.wake */
	size_t turn; /* the sentinel, or master of a cluster, to be asked */
	unsigned long pings;
	bool told; /* something was reported */
};

/* Connects to a master, and subscribes to its changes. On failure the caller
 * closes it. */
int redis_watched_open(struct redis_watch *w, struct redis_watched *m,
		       const struct redis_address *at, int64_t deadline_ms,
		       struct err *err) MUST_USE;

/* Reports messages that have arrived, without waiting. */
int redis_watched_take(struct redis_watch *w, const struct redis_watched *m,
		       struct err *err) MUST_USE;

/* Reports all messages up to the reply to PING with this text. */
int redis_watched_take_until(struct redis_watch *w,
			     const struct redis_watched *m, struct str pong,
			     int64_t deadline_ms, struct err *err) MUST_USE;

/* Sends questions on the second connection and reads the answers. Succeeds if
 * the server is the same master as before. With asks_map, its map of the
 * cluster must be the same as before, too. Reports all keys if databases were
 * exchanged. */
int redis_watched_ask(const struct redis_watch *w,
		      const struct redis_watched *m, bool asks_map,
		      int64_t deadline_ms, struct err *err) MUST_USE;
int redis_watched_answer(struct redis_watch *w, struct redis_watched *m,
			 bool asks_map, int64_t deadline_ms,
			 struct err *err) MUST_USE;

/* Succeeds if a sentinel names the server that is watched. */
int redis_watch_ask_sentinel(struct redis_watch *w, int64_t deadline_ms,
			     struct err *err) MUST_USE;

#endif
