/* SPDX-License-Identifier: MIT */
/* Runs a function in a thread that gives way to others. */
#define _GNU_SOURCE /* SCHED_IDLE, pthread_timedjoin_np() */
#include "os/background.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/env.h"

struct background_work {
	void (*fn)(void *);
	void *arg;
};

static int
set_policy(pthread_t thread, int policy)
{
	const struct sched_param none = { .sched_priority = 0 };

	return pthread_setschedparam(thread, policy, &none);
}

static void *
background_try(void *arg)
{
	bool *changed = arg;

	*changed = set_policy(pthread_self(), SCHED_IDLE) == 0 &&
		   set_policy(pthread_self(), SCHED_OTHER) == 0;
	return NULL;
}

/* Tries it with a thread of its own, which cannot be changed back if it is
 * forbidden. */
bool
background_is_permitted(void)
{
	bool changed = false;
	pthread_t thread;

	if (sched_getscheduler(0) != SCHED_OTHER ||
	    pthread_create(&thread, NULL, background_try, &changed) != 0)
		return false;
	(void)pthread_join(thread, NULL); /* cannot fail */
	return changed;
}

static void *
background_main(void *arg)
{
	const struct background_work *work = arg;

	work->fn(work->arg);
	return NULL;
}

/* Returns true if the thread has ended. */
static bool
join_until(pthread_t thread, int64_t wall_ms)
{
	const struct timespec t = { .tv_sec = wall_ms / 1000,
				    .tv_nsec = wall_ms % 1000 * 1000000 };

	return pthread_timedjoin_np(thread, NULL, &t) == 0;
}

void
background_run(const struct env *env, void (*fn)(void *), void *arg)
{
	struct background_work work = { .fn = fn, .arg = arg };
	pthread_t thread;

	if (pthread_create(&thread, NULL, background_main, &work) != 0) {
		fn(arg);
		return;
	}
	(void)set_policy(thread, SCHED_IDLE); /* it is permitted */
	if (join_until(thread, env_wall_ms(env) + BACKGROUND_MS))
		return;
	(void)set_policy(thread, SCHED_OTHER);
	(void)pthread_join(thread, NULL); /* cannot fail */
}
