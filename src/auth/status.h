/* SPDX-License-Identifier: MIT */
/* The endpoints /me, /health and /ready, and the answer to
 * AUTH_ACTION=status. */
#ifndef AUTH_STATUS_H
#define AUTH_STATUS_H

#include "auth/cache.h"
#include "auth/request_context.h"

/*
 * The last result of /ready. One worker at a time probes the store, the user
 * source and the factor store, at most once in a second, so that clients cannot
 * load them by requests to /ready.
 */
struct probe;

struct probe *probe_new(void) MUST_USE; /* NULL: out of memory */
void probe_free(struct probe *p); /* NULL is allowed */

void me_get(struct request_context *ctx);
void health_get(struct request_context *ctx);
void ready_get(struct request_context *ctx);

/* Counts the cache; fills in zero if there is none. */
void status_count_cache(const struct request_context *ctx,
			struct cache_counts *out);

/* Returns the state of the change feed in one word: off, none, local, proven or
 * lost. */
const char *status_feed_word(const struct request_context *ctx,
			     const struct cache_counts *n);

/*
 * Answers with the state of this process, as JSON, for fcgiauthctl status:
 * version, mode, drivers and whether they answer, cache and feed, the queue of
 * password hashes, the workers, and what was counted since the start and
 * recently. It does not wait. No snippet of a web server sends
 * AUTH_ACTION=status.
 */
void status_answer(struct request_context *ctx);

#endif
