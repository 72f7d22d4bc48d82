/* SPDX-License-Identifier: MIT */
/*
 * The env of tests: clocks that advance only when a test says so or a thread
 * sleeps; random numbers that are the same in every run; a silent log. Threads
 * may share one.
 */
#ifndef TESTS_FAKE_ENV_H
#define TESTS_FAKE_ENV_H

#include "base/env.h"

#include <stdatomic.h>

/* The initial time of the wall clock: 2026-01-01T00:00:00Z. */
#define FAKE_NOW INT64_C(1767225600)

struct fake_env {
	/* Pass its address to the code; its log may be replaced. */
	struct env env;
	_Atomic int64_t wall_ms, mono_ms;
	_Atomic uint64_t random;
	/* If set, every request for random numbers fails. */
	atomic_bool no_entropy;
};

/* The struct must not be moved: env points into it. */
void fake_env_init(struct fake_env *f);

/* Moves both clocks forward. */
void fake_env_advance_ms(struct fake_env *f, int64_t ms);
void fake_env_advance(struct fake_env *f, int64_t seconds);

/* Sets the wall clock only, as an administrator would. */
void fake_env_set_wall(struct fake_env *f, int64_t wall);

#endif
