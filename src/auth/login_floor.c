/* SPDX-License-Identifier: MIT */
/* The minimum time of a refused sign-in. */
#include "auth/login_floor.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define HALF_LIFE_MS 86400000 /* a day */
#define HALVINGS_MAX 20
#define TOO_SHORT_MS 8

struct login_floor {
	/* Guards the members below; not held while waiting. */
	pthread_mutex_t lock;
	int64_t ms, noted_ms;
	/* Total time per processor time, in percent; at least 100. */
	int64_t slower;
};

struct login_floor *
login_floor_new(void)
{
	struct login_floor *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	(void)pthread_mutex_init(&f->lock, NULL); /* cannot fail */
	f->slower = 100;
	return f;
}

void
login_floor_free(struct login_floor *f)
{
	if (f == NULL)
		return;
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Returns the time of the most expensive recent verification, with its present
 * weight. The weight halves in steps, so that the result stays the same for a
 * while. The caller must hold the lock. */
static int64_t
highest_cost(const struct login_floor *f, int64_t mono_ms)
{
	const int64_t halvings = (mono_ms - f->noted_ms) / HALF_LIFE_MS;

	return halvings < 0 ? f->ms : f->ms >> min64(halvings, HALVINGS_MAX);
}

/* Updates the average of about the last ten verifications. Short ones are
 * ignored, as the resolution of the clock is too coarse for them. The caller
 * must hold the lock. */
static void
note_slower(struct login_floor *f, int64_t cpu_ms, int64_t wall_ms)
{
	int64_t slower = 100;

	if (cpu_ms < TOO_SHORT_MS)
		return;
	if (wall_ms > cpu_ms)
		slower = wall_ms * 100 / cpu_ms;
	slower = min64(slower, LOGIN_FLOOR_SLOWER_MAX * 100);
	f->slower += (slower - f->slower) / 8;
}

void
login_floor_note(struct login_floor *f, int64_t cpu_ms, int64_t wall_ms,
		 int64_t mono_ms)
{
	(void)pthread_mutex_lock(&f->lock);
	note_slower(f, cpu_ms, wall_ms);
	/* A verification that is nearly as expensive renews the weight, too. */
	if (cpu_ms >= highest_cost(f, mono_ms) * 3 / 4) {
		f->ms = cpu_ms > highest_cost(f, mono_ms) ?
			    cpu_ms :
			    highest_cost(f, mono_ms);
		f->ms = min64(f->ms, LOGIN_FLOOR_MAX_MS);
		f->noted_ms = mono_ms;
	}
	(void)pthread_mutex_unlock(&f->lock);
}

int64_t
login_floor_left(struct login_floor *f, int64_t took_ms, int64_t mono_ms,
		 uint32_t random)
{
	int64_t floor_ms, left;

	(void)pthread_mutex_lock(&f->lock);
	floor_ms = highest_cost(f, mono_ms) * f->slower / 100;
	floor_ms = min64(floor_ms, LOGIN_FLOOR_MAX_MS);
	(void)pthread_mutex_unlock(&f->lock);
	/* A quarter more covers the variation between verifications. */
	left = floor_ms + floor_ms / 4 - took_ms + random % (floor_ms / 8 + 1);
	return left > 0 ? left : 0;
}

int64_t
login_floor_cpu_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		return 0; /* counts as no processor time */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
login_floor_wait(struct login_floor *f, const struct env *env, int64_t from_ms)
{
	const int64_t now_ms = env_mono_ms(env);
	uint32_t random = 0;

	if (env_random(env, &random, sizeof(random)) != 0)
		random = 0; /* wait without a random part */
	env_sleep_ms(env,
		     login_floor_left(f, now_ms - from_ms, now_ms, random));
}
