/* SPDX-License-Identifier: MIT */
/*
 * What an operation works with: every operation of a store, of a user source
 * and of a mode takes one.  A request has one; the janitor and fcgiauthctl
 * make their own.
 */
#ifndef STRATEGY_CALL_H
#define STRATEGY_CALL_H

#include "base/arena.h"
#include "base/env.h"

struct store_link;
struct users_link;

struct call {
	struct arena *arena; /* of what is returned, and of what is in between */
	const struct env *env;
	int64_t now_ms; /* wall clock, read once: all of a request agrees */

	/* For modes and callers; a backend has its own connection, and leaves
	 * both alone.  NULL where a caller has none. */
	struct store_link *store;
	struct users_link *users;
};

#endif
