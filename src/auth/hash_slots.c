/* SPDX-License-Identifier: MIT */
/* A counting semaphore with a bounded queue. */
#include "auth/hash_slots.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct hash_slots {
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t given;
	unsigned free, room; /* slots, and places in the queue */
	unsigned share;	     /* places of one network */
	int64_t wait_ms;
	size_t places, taken;
	uint64_t *who; /* of the first `taken` places, running or waiting */
};

struct hash_slots *
hash_slots_new(unsigned running, unsigned waiting, int64_t wait_ms)
{
	struct hash_slots *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL)
		return NULL;
	s->places = (size_t)running + waiting;
	s->who = calloc(s->places, sizeof(*s->who));
	if (s->who == NULL) {
		free(s);
		return NULL;
	}
	s->free = running;
	s->room = waiting;
	s->share = s->places > 2 ? (unsigned)s->places - 1 : 2;
	s->wait_ms = wait_ms;
	/* With these arguments none of them can fail on Linux. */
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->given, &attr);
	(void)pthread_condattr_destroy(&attr);
	return s;
}

void
hash_slots_free(struct hash_slots *s)
{
	if (s == NULL)
		return;
	(void)pthread_cond_destroy(&s->given);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->who);
	free(s);
}

/* Under the lock, as all that follows. */
static bool
enter(struct hash_slots *s, uint64_t who)
{
	unsigned held = 0;

	for (size_t i = 0; i < s->taken; i++)
		held += s->who[i] == who ? 1 : 0;
	if (held >= s->share || s->taken == s->places)
		return false;
	s->who[s->taken++] = who;
	return true;
}

static void
leave(struct hash_slots *s, uint64_t who)
{
	size_t i = 0;

	while (s->who[i] != who)
		i++;
	s->who[i] = s->who[--s->taken];
}

static struct timespec
deadline_in(int64_t ms)
{
	struct timespec ts;

	/* The condition variable waits by this very clock. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail on Linux */
	ts.tv_sec += (time_t)(ms / 1000);
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

static bool
wait_for_slot(struct hash_slots *s)
{
	struct timespec until = deadline_in(s->wait_ms);
	int rc = 0;

	s->room--;
	while (s->free == 0 && rc == 0)
		rc = pthread_cond_timedwait(&s->given, &s->lock, &until);
	s->room++;
	return s->free > 0;
}

bool
hash_slots_take(struct hash_slots *s, uint64_t who)
{
	bool taken = false;

	(void)pthread_mutex_lock(&s->lock);
	if (enter(s, who)) {
		taken = s->free > 0 || (s->room > 0 && wait_for_slot(s));
		if (taken)
			s->free--;
		else
			leave(s, who);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return taken;
}

void
hash_slots_give(struct hash_slots *s, uint64_t who)
{
	(void)pthread_mutex_lock(&s->lock);
	leave(s, who);
	s->free++;
	(void)pthread_cond_signal(&s->given);
	(void)pthread_mutex_unlock(&s->lock);
}
