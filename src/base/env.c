/* SPDX-License-Identifier: MIT */
/* The real clock and the real random source. */
#include "base/env.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static int64_t
read_ms(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts); /* cannot fail on Linux */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
real_wall_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_REALTIME);
}

static int64_t
real_mono_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_MONOTONIC);
}

static void
real_sleep_ms(void *ctx, int64_t ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000,
				     .tv_nsec = ms % 1000 * 1000000 };

	(void)ctx;
	(void)nanosleep(&ts, NULL); /* a signal may end it early */
}

static int
real_fill(void *ctx, void *buf, size_t n)
{
	char *p = buf;

	(void)ctx;
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

struct env
env_real(const struct log *log)
{
	return (struct env){
		.clock = { .wall_ms = real_wall_ms,
			   .mono_ms = real_mono_ms,
			   .sleep_ms = real_sleep_ms },
		.rng = { .fill = real_fill },
		.log = log,
	};
}

int64_t
env_wall(const struct env *env)
{
	return env_wall_ms(env) / 1000;
}

int64_t
env_wall_ms(const struct env *env)
{
	return env->clock.wall_ms(env->clock.ctx);
}

int64_t
env_mono_ms(const struct env *env)
{
	return env->clock.mono_ms(env->clock.ctx);
}

void
env_sleep_ms(const struct env *env, int64_t ms)
{
	env->clock.sleep_ms(env->clock.ctx, ms);
}

int
env_random(const struct env *env, void *buf, size_t n)
{
	return env->rng.fill(env->rng.ctx, buf, n);
}
