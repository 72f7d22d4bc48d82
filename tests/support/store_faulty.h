/* SPDX-License-Identifier: MIT */
/*
 * A store that is another store, until told to fail: its calls, connect()
 * included, are counted, and the chosen one answers ERR_UNAVAILABLE without
 * having done anything.
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
	struct session_store_ops ops; /* what to open, with `&f` as its conf */
	const struct session_store_ops *inner;
	const void *inner_conf;
	atomic_uint calls; /* since store_faulty_fail() or the beginning */
	atomic_uint fail_at; /* 0: never */
	atomic_bool stay_down;
	atomic_uint failed; /* calls made to fail since then */
};

void store_faulty_init(struct store_faulty *f,
		       const struct session_store_ops *inner,
		       const void *inner_conf);

/* Begins to count anew; the n-th call fails (0: none), and with `stay_down`
 * all after it too. */
void store_faulty_fail(struct store_faulty *f, unsigned n, bool stay_down);

#endif
