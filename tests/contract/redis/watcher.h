/* SPDX-License-Identifier: MIT */
/* A watch and what it reports, for the cases of test_redis_conn.c. */
#ifndef CONTRACT_REDIS_WATCHER_H
#define CONTRACT_REDIS_WATCHER_H

#include "backends/redis/client/watch.h"

#include "tests/contract/redis/fixture.h"

struct watcher {
	struct fixture *r;
	struct redis_watch *watch; /* NULL: not open */
	int64_t timeout_ms; /* 0: long */
	bool all;
	unsigned keys;
	char last[64]; /* the last key */
};

/* Opens a watch of the keys that begin with "k" and "{"; opens the server first
 * if necessary. */
int watcher_open(struct watcher *w, struct fixture *r);
void watcher_close(struct watcher *w);

/* Makes a proof, which must succeed, and forgets what was reported. */
void watcher_begin(struct watcher *w);

int watcher_prove(struct watcher *w);
/* Waits until it fails. */
void watcher_wait_for_failure(struct watcher *w, const char *text);

#endif
