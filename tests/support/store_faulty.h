/* SPDX-License-Identifier: MIT */
/*
 * A wrapper of a store that can be told to fail: it counts the calls, connect()
 * included, and the chosen one does nothing and returns ERR_UNAVAILABLE.
 *
 *	store_faulty_init(&f, &store_memory, &conf);
 *	store_open(&f.ops, &f, env, &store, &err);
 *	store_faulty_fail(&f, 3, false);	the third from now
 */
#ifndef TESTS_STORE_FAULTY_H
#define TESTS_STORE_FAULTY_H

#include "strategy/session_store.h"

#include <stdatomic.h>

struct store_faulty {
	struct store_faulty *self;
	/* The store to open, with `&f` as its configuration. */
	struct session_store_ops ops;
	const struct session_store_ops *inner;
	const void *inner_conf;
	atomic_uint calls; /* since the last store_faulty_fail(), or in total */
	atomic_uint fail_at; /* 0: never */
	atomic_bool stay_down;
	atomic_uint failed; /* calls that failed since then */
};

void store_faulty_init(struct store_faulty *f,
		       const struct session_store_ops *inner,
		       const void *inner_conf);

/* Resets the counters; the n-th call from now fails (0: none), and with
 * `stay_down` all later calls, too. */
void store_faulty_fail(struct store_faulty *f, unsigned n, bool stay_down);

#endif
