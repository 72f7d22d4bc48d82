/* SPDX-License-Identifier: MIT */
/*
 * Changes: what may make a credential invalid that was verified before. They
 * come from strategy/store.c, for what this process changes, and from the
 * change feed of the store, for what others change.
 */
#ifndef STRATEGY_CHANGE_H
#define STRATEGY_CHANGE_H

#include "strategy/session_store.h"

enum change_kind {
	/* Anything may have changed: nothing that was verified before holds. */
	CHANGE_ALL = 0,
	CHANGE_SESSION, /* one session has ended, or has changed */
	CHANGE_USER, /* sessions or tokens of one user */
};

struct change {
	enum change_kind kind;
	struct session_id session; /* with CHANGE_SESSION; else zero */
	struct str user; /* with CHANGE_USER; else empty */
};

/* The receiver of changes. */
struct change_sink {
	/* Called after the change was committed. Any thread may call it, and
	 * it does not block. `change` is borrowed for the call. */
	void (*changed)(void *ctx, const struct change *change);
	void *ctx;
};

/* Returns the change that a denial with this key is (strategy/denial.h). */
struct change change_of_denial(struct str key);

/* Tells the sink; NULL is allowed. */
static inline void
change_tell(const struct change_sink *sink, const struct change *change)
{
	if (sink != NULL)
		sink->changed(sink->ctx, change);
}

#endif
