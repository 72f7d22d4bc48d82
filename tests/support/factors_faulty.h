/* SPDX-License-Identifier: MIT */
/*
 * A wrapper of a factor store that can be told to fail: it counts the calls,
 * connect() included, and the chosen one does nothing and returns
 * ERR_UNAVAILABLE.
 *
 *	factors_faulty_init(&f, &factors_memory, &conf);
 *	factors_open(&f.ops, &f, env, &store, &err);
 *	factors_faulty_fail(&f, 3, false);	the third from now
 */
#ifndef TESTS_FACTORS_FAULTY_H
#define TESTS_FACTORS_FAULTY_H

#include "strategy/factor_store.h"

#include <stdatomic.h>

struct factors_faulty {
	struct factors_faulty *self;
	/* The store to open, with `&f` as its configuration. */
	struct factor_store_ops ops;
	const struct factor_store_ops *inner;
	const void *inner_conf;
	atomic_uint calls; /* since the last factors_faulty_fail() */
	atomic_uint fail_at; /* 0: never */
	atomic_bool stay_down;
};

void factors_faulty_init(struct factors_faulty *f,
			 const struct factor_store_ops *inner,
			 const void *inner_conf);

/* Resets the counter; the n-th call from now fails (0: none), and with
 * `stay_down` all later calls, too. */
void factors_faulty_fail(struct factors_faulty *f, unsigned n, bool stay_down);

#endif
