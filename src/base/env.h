/* SPDX-License-Identifier: MIT */
/*
 * The environment of the program: clock, random source and log. main() builds
 * the real one; tests use a fixed clock and a deterministic random source.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/base.h"

struct log;

struct clock {
	int64_t (*wall_ms)(void *ctx); /* since the epoch; may jump */
	int64_t (*mono_ms)(void *ctx); /* for timeouts; never goes back */
	void (*sleep_ms)(void *ctx, int64_t ms); /* a signal may end it early */
	void *ctx;
};

struct rng {
	int (*fill)(void *ctx, void *buf, size_t n); /* -1: failure */
	void *ctx;
};

/* Constant and shared by all threads: any thread may call its functions. */
struct env {
	struct clock clock;
	struct rng rng;
	const struct log *log;
};

/* Returns an environment of the kernel's clocks and getrandom(2). */
struct env env_real(const struct log *log);

int64_t env_wall(const struct env *env); /* seconds */
int64_t env_wall_ms(const struct env *env);
int64_t env_mono_ms(const struct env *env);
void env_sleep_ms(const struct env *env, int64_t ms);

/*
 * Returns 0, or -1 when the source of random numbers fails. The caller must
 * then issue no credential.
 */
int env_random(const struct env *env, void *buf, size_t n) MUST_USE;

#endif
