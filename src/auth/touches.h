/* SPDX-License-Identifier: MIT */
/*
 * The touches that are due, one per session.  A check adds them, and the
 * janitor writes them to the store, so that no request waits for a write.  Any
 * thread may use them.
 */
#ifndef AUTH_TOUCHES_H
#define AUTH_TOUCHES_H

#include "strategy/session_store.h"

/* The largest number of queued touches.  Further ones are dropped; the next
 * request of the session adds its touch again. */
#define TOUCHES_MAX 8192

struct touches;

struct touches *touches_new(void) MUST_USE; /* NULL: out of memory */
void touches_free(struct touches *t); /* NULL is allowed */

/* Adds a touch; it replaces an earlier one of the same session. */
void touches_note(struct touches *t, const struct touch *touch);

/* Returns the last_seen_ms of the touch of this session; 0: there is none. */
int64_t touches_last_seen(struct touches *t, const struct session_id *id);

/* Removes all touches and returns their number. */
size_t touches_take(struct touches *t, struct touch out[TOUCHES_MAX]);

#endif
