/* SPDX-License-Identifier: MIT */
/*
 * The updates of last_seen that are due, one per session. A check adds them,
 * and the janitor writes them to the store, so that no request waits for a
 * write. Any thread may use them.
 */
#ifndef AUTH_LAST_SEEN_H
#define AUTH_LAST_SEEN_H

#include "strategy/session_store.h"

/* The largest number of queued updates. Further ones are dropped; the next
 * request of the session adds its update again. */
#define LAST_SEEN_MAX 8192

struct last_seen;

struct last_seen *last_seen_new(void) MUST_USE; /* NULL: out of memory */
void last_seen_free(struct last_seen *t); /* NULL is allowed */

/* Adds an update; it replaces an earlier one of the same session. Returns false
 * if it was dropped. */
bool last_seen_add(struct last_seen *t, const struct touch *touch);

/* Returns the last_seen_ms of the queued update of this session; 0: there is
 * none. */
int64_t last_seen_find(struct last_seen *t, const struct session_id *id);

/* Removes all updates and returns their number. */
size_t last_seen_take(struct last_seen *t, struct touch out[LAST_SEEN_MAX]);

#endif
