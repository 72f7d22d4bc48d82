/* SPDX-License-Identifier: MIT */
/*
 * The context of an operation: every operation of a store, of a user source
 * and of a mode takes one. Each request has one; the janitor and fcgiauthctl
 * make their own.
 */
#ifndef STRATEGY_CALL_H
#define STRATEGY_CALL_H

#include "base/arena.h"
#include "base/env.h"

struct store_conn;
struct users_conn;
struct factors_conn;

struct call {
	struct arena *arena; /* of results and of temporary data */
	const struct env *env;
	int64_t now_ms; /* wall clock; read once for the whole request */

	/* For modes and callers; a backend has its own connection and must not
	 * use them. NULL if the caller has none. */
	struct store_conn *store;
	struct users_conn *users;
	/* Also NULL if there is no factor store. */
	struct factors_conn *factors;
};

#endif
