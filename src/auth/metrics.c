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
	return m;
}

void
metrics_free(struct metrics *m)
{
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
	};

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (str_eq(str_from(event), str_from(events[i].event)))
			metrics_add(m, thread, events[i].counter, n);
	}
}
