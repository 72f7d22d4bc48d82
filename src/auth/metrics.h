/* SPDX-License-Identifier: MIT */
/*
 * What the service counts, for /auth/metrics and fcgiauthctl status. The
 * counters last as long as the process: a reload keeps them, and a restart
 * begins again at zero. All threads may use them.
 */
#ifndef AUTH_METRICS_H
#define AUTH_METRICS_H

#include "base/histogram.h"
#include "base/str.h"

#include <pthread.h>

enum metric {
	METRIC_LOGIN_SUCCESS,
	METRIC_LOGIN_FAILURE,
	METRIC_LOGIN_BANNED,
	METRIC_LOGIN_BUSY,
	METRIC_LOGIN_UNAVAILABLE,
	METRIC_REFRESH_RENEWED,
	METRIC_REFRESH_REPEATED,
	METRIC_REFRESH_REFUSED,
	METRIC_REFRESH_REUSED,
	METRIC_REFRESH_UNAVAILABLE,
	METRIC_BAN,
	METRIC_SESSION_STARTED,
	METRIC_ENDED_LOGOUT,
	METRIC_ENDED_REPLACED,
	METRIC_ENDED_LIMIT,
	METRIC_ENDED_REUSE,
	METRIC_ENDED_REVOKED,
	METRIC_RELOAD_SUCCESS,
	METRIC_RELOAD_FAILURE,
	METRIC_CHECK, /* METRIC_VERDICTS counters for each mode */
};

/* The verdicts of checks, in the order of their counters. */
enum metric_verdict {
	METRIC_ALLOWED,
	METRIC_401,
	METRIC_403,
	METRIC_503,
	METRIC_VERDICTS
};

#define METRIC_MODES  3
#define METRIC_COUNT  (METRIC_CHECK + METRIC_MODES * METRIC_VERDICTS)
#define METRIC_SHARDS 16

/* "Recent" is the last five minutes, or up to METRIC_SAMPLE_MS more. */
#define METRIC_RECENT_MS INT64_C(300000)
#define METRIC_SAMPLE_MS INT64_C(10000)
#define METRIC_SAMPLES	 (METRIC_RECENT_MS / METRIC_SAMPLE_MS + 1)

struct metrics {
	/* A thread adds to one of them, so that the threads that answer checks
	 * do not wait for each other's cache lines. */
	struct metric_shard {
		_Alignas(64) _Atomic uint64_t n[METRIC_COUNT];
	} shards[METRIC_SHARDS];
	/* Durations of operations. */
	struct histogram store, users, factors;
	int64_t started_ms; /* wall clock */
	/* Live sessions in the store, and users who have one; -1: unknown. */
	_Atomic int64_t live_sessions, live_users;
	pthread_mutex_t lock; /* guards the members below */
	/* What was counted at moments of the past; the oldest is replaced. */
	struct metric_sample {
		int64_t mono_ms;
		uint64_t n[METRIC_COUNT];
	} samples[METRIC_SAMPLES];
	size_t nsamples; /* taken since the start */
};

/* NULL: out of memory. */
struct metrics *metrics_new(int64_t started_ms) MUST_USE;
void metrics_free(struct metrics *m); /* NULL is allowed */

/* Adds n to a counter. `thread` is an address that differs from thread to
 * thread. Does nothing if `m` is NULL. */
void metrics_add(struct metrics *m, const void *thread, unsigned counter,
		 uint64_t n);

void metrics_read(const struct metrics *m, uint64_t out[METRIC_COUNT]);

/* Keeps the counts of this moment if METRIC_SAMPLE_MS have passed since it last
 * did. Must be called more often than that. */
void metrics_sample(struct metrics *m, int64_t mono_ms);

/* Fills in what was counted recently; if the process is younger, since its
 * start. */
void metrics_read_recent(struct metrics *m, int64_t mono_ms,
			 uint64_t out[METRIC_COUNT]);

/* Counts what an event of the audit log means: sessions that ended, bans. */
void metrics_add_event(struct metrics *m, const void *thread, const char *event,
		       uint64_t n);

#endif
