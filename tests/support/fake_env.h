/* SPDX-License-Identifier: MIT */
/*
 * A world for tests: clocks that stand still until they are told, or until
 * somebody sleeps; dice that fall the same way in every run; a log that is
 * silent.  Threads may share one.
 */
#ifndef TESTS_FAKE_ENV_H
#define TESTS_FAKE_ENV_H

#include "base/env.h"

#include <stdatomic.h>

/* Where the wall clock begins: 2026-01-01T00:00:00Z. */
#define FAKE_NOW INT64_C(1767225600)

struct fake_env {
	struct env env; /* give away its address; its log may be replaced */
	_Atomic int64_t wall_ms, mono_ms;
	_Atomic uint64_t dice;
	atomic_bool no_entropy; /* set: every throw fails */
};

/* The struct must stay where it is: env points into it. */
void fake_env_init(struct fake_env *f);

/* Moves both clocks forward. */
void fake_env_advance_ms(struct fake_env *f, int64_t ms);
void fake_env_advance(struct fake_env *f, int64_t seconds);

/* Steps the wall clock alone, as an administrator would. */
void fake_env_set_wall(struct fake_env *f, int64_t wall);

#endif
