/* SPDX-License-Identifier: MIT */
/* The env of tests. */
#include "tests/support/fake_env.h"

#include <string.h>

static int64_t
fake_wall_ms(void *ctx)
{
	struct fake_env *f = ctx;

	return atomic_load(&f->wall_ms);
}

static int64_t
fake_mono_ms(void *ctx)
{
	struct fake_env *f = ctx;

	return atomic_load(&f->mono_ms);
}

static void
fake_sleep_ms(void *ctx, int64_t ms)
{
	fake_env_advance_ms(ctx, ms);
}

/* splitmix64 of a counter, so that no two threads get the same number. */
static int
fake_fill(void *ctx, void *buf, size_t n)
{
	struct fake_env *f = ctx;
	unsigned char *p = buf;

	if (atomic_load(&f->no_entropy))
		return -1;
	while (n > 0) {
		uint64_t z =
		    atomic_fetch_add(&f->random, UINT64_C(0x9e3779b97f4a7c15));
		size_t part = n < sizeof(z) ? n : sizeof(z);

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		memcpy(p, &z, part);
		p += part;
		n -= part;
	}
	return 0;
}

void
fake_env_init(struct fake_env *f)
{
	f->env = (struct env){
		.clock = { .wall_ms = fake_wall_ms,
			   .mono_ms = fake_mono_ms,
			   .sleep_ms = fake_sleep_ms,
			   .ctx = f },
		.rng = { .fill = fake_fill, .ctx = f },
	};
	atomic_init(&f->wall_ms, FAKE_NOW * 1000);
	atomic_init(&f->mono_ms, 1000);
	atomic_init(&f->random, 1);
	atomic_init(&f->no_entropy, false);
}

void
fake_env_advance_ms(struct fake_env *f, int64_t ms)
{
	(void)atomic_fetch_add(&f->mono_ms, ms);
	(void)atomic_fetch_add(&f->wall_ms, ms);
}

void
fake_env_advance(struct fake_env *f, int64_t seconds)
{
	fake_env_advance_ms(f, seconds * 1000);
}

void
fake_env_set_wall(struct fake_env *f, int64_t wall)
{
	atomic_store(&f->wall_ms, wall * 1000);
}
