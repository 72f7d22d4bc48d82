/* SPDX-License-Identifier: MIT */
/* What the service counts. */
#include "auth/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct metrics *
metrics_new(int64_t started_ms)
{
	struct metrics *m = aligned_alloc(_Alignof(struct metrics), sizeof(*m));

	if (m == NULL)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->started_ms = started_ms;
	m->live_sessions = -1;
	m->live_users = -1;
	(void)pthread_mutex_init(&m->lock, NULL); /* cannot fail */
	return m;
}

void
metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

/* Allocated blocks of different threads differ in these bits. */
static size_t
metrics_shard(const void *thread)
{
	const uintptr_t address = (uintptr_t)thread;

	return (size_t)((address >> 5) ^ (address >> 12)) % METRIC_SHARDS;
}

void
metrics_add(struct metrics *m, const void *thread, unsigned counter, uint64_t n)
{
	if (m != NULL)
		atomic_fetch_add_explicit(
		    &m->shards[metrics_shard(thread)].n[counter], n,
		    memory_order_relaxed);
}

void
metrics_read(const struct metrics *m, uint64_t out[METRIC_COUNT])
{
	memset(out, 0, METRIC_COUNT * sizeof(*out));
	for (size_t s = 0; s < METRIC_SHARDS; s++) {
		for (size_t i = 0; i < METRIC_COUNT; i++)
			out[i] += atomic_load_explicit(&m->shards[s].n[i],
						       memory_order_relaxed);
	}
}

static struct metric_sample *
newest_sample(struct metrics *m, size_t back)
{
	return &m->samples[(m->nsamples - 1 - back) % METRIC_SAMPLES];
}

void
metrics_sample(struct metrics *m, int64_t mono_ms)
{
	(void)pthread_mutex_lock(&m->lock);
	if (m->nsamples == 0 ||
	    mono_ms - newest_sample(m, 0)->mono_ms >= METRIC_SAMPLE_MS) {
		m->nsamples++;
		newest_sample(m, 0)->mono_ms = mono_ms;
		metrics_read(m, newest_sample(m, 0)->n);
	}
	(void)pthread_mutex_unlock(&m->lock);
}

void
metrics_read_recent(struct metrics *m, int64_t mono_ms,
		    uint64_t out[METRIC_COUNT])
{
	const struct metric_sample *old = NULL;

	(void)pthread_mutex_lock(&m->lock);
	metrics_read(m, out);
	for (size_t i = 0; old == NULL && i < m->nsamples && i < METRIC_SAMPLES;
	     i++) {
		if (mono_ms - newest_sample(m, i)->mono_ms >= METRIC_RECENT_MS)
			old = newest_sample(m, i);
	}
	for (size_t i = 0; old != NULL && i < METRIC_COUNT; i++)
		out[i] -= old->n[i];
	(void)pthread_mutex_unlock(&m->lock);
}

void
metrics_add_event(struct metrics *m, const void *thread, const char *event,
		  uint64_t n)
{
	static const struct {
		const char *event;
		enum metric counter;
	} events[] = {
		{ "login", METRIC_LOGIN_SUCCESS },
		{ "login", METRIC_SESSION_STARTED },
		{ "login_failure", METRIC_LOGIN_FAILURE },
		{ "ban", METRIC_BAN },
		{ "logout", METRIC_ENDED_LOGOUT },
		{ "session_replaced", METRIC_ENDED_REPLACED },
		{ "session_limit", METRIC_ENDED_LIMIT },
		{ "refresh_reuse", METRIC_ENDED_REUSE },
		{ "session_revoked", METRIC_ENDED_REVOKED },
		{ "sessions_revoked", METRIC_ENDED_REVOKED },
		{ "session_ended", METRIC_ENDED_REVOKED },
		{ "sessions_ended", METRIC_ENDED_REVOKED },
	};

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (str_eq(str_from(event), str_from(events[i].event)))
			metrics_add(m, thread, events[i].counter, n);
	}
}
