/* SPDX-License-Identifier: MIT */
/*
 * Touches that are due, one a session: a check notes them, the janitor writes
 * them to the store, so that no request waits for a write.  Any thread.
 */
#ifndef AUTH_TOUCHES_H
#define AUTH_TOUCHES_H

#include "strategy/session_store.h"

#define TOUCHES_MAX 8192 /* beyond that a note is dropped: the next request of
			  * the session makes it again */

struct touches;

struct touches *touches_new(void) MUST_USE; /* NULL: out of memory */
void touches_free(struct touches *t);	    /* NULL is allowed */

/* A second note of the same session replaces the first. */
void touches_note(struct touches *t, const struct touch *touch);

/* When the session that was noted last was seen; 0: nothing is noted of it. */
int64_t touches_last_seen(struct touches *t, const struct session_id *id);

/* Takes all out; returns how many. */
size_t touches_take(struct touches *t, struct touch out[TOUCHES_MAX]);

#endif
