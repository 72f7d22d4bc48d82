/* SPDX-License-Identifier: MIT */
/* Writing of due updates of last_seen, sweeping, and samples of the metrics. */
#include "server/janitor.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "auth/last_seen.h"
#include "auth/metrics.h"
#include "base/log.h"

#define TOUCH_MS      500
#define SWEEP_SECONDS 60
#define COUNT_SECONDS 60
#define ARENA_MAX     ((size_t)4 << 20)
#define SWEEP_BATCH   1000 /* one transaction; others wait for no more */

struct janitor {
	struct snapshot_slot *slot;
	const struct service_shared *shared;
	/* The thread alone uses these five. */
	struct store_conn *store;
	struct factors_conn *factors;
	struct arena *arena; /* of one operation */
	struct touch *updates; /* LAST_SEEN_MAX of them */
	int64_t count_ms; /* when the sessions are counted again; monotonic */
	pthread_t thread;
	pthread_mutex_t lock; /* guards stop */
	pthread_cond_t wake;
	bool stop;
};

static struct call
next_call(struct janitor *j, int64_t now_ms)
{
	arena_reset(j->arena);
	return (struct call){ .arena = j->arena,
			      .env = j->shared->env,
			      .now_ms = now_ms };
}

static void
write_touches(struct janitor *j)
{
	size_t n = last_seen_take(j->shared->last_seen, j->updates);
	int64_t now_ms = env_wall_ms(j->shared->env);
	struct err err;

	for (size_t i = 0; i < n; i++) {
		const struct call c = next_call(j, now_ms);

		if (store_touch(j->store, &c, &j->updates[i], &err) == 0)
			continue;
		/* The next request of each session records it again. */
		LOG(j->shared->env->log, LOG_WARNING, "last_seen_lost",
		    F_INT("count", (int64_t)(n - i)),
		    F_CSTR("reason", err.msg));
		return;
	}
}

static int
sweep_store(struct janitor *j, const struct call *c, int64_t *removed,
	    struct err *err)
{
	return store_sweep(j->store, c, SWEEP_BATCH, removed, err);
}

static int
sweep_factors(struct janitor *j, const struct call *c, int64_t *removed,
	      struct err *err)
{
	return factors_sweep(j->factors, c, SWEEP_BATCH, removed, err);
}

static void
janitor_sweep(struct janitor *j,
	      int (*sweep)(struct janitor *j, const struct call *c,
			   int64_t *removed, struct err *err))
{
	int64_t now_ms = env_wall_ms(j->shared->env);
	int64_t removed = SWEEP_BATCH;
	struct err err;

	while (removed >= SWEEP_BATCH) {
		const struct call c = next_call(j, now_ms);

		if (sweep(j, &c, &removed, &err) != 0) {
			LOG(j->shared->env->log, LOG_WARNING, "sweep_failed",
			    F_CSTR("reason", err.msg));
			return;
		}
	}
}

/* Counts the sessions for the metrics. */
static void
janitor_count(struct janitor *j, const struct snapshot *s)
{
	struct metrics *m = j->shared->metrics;
	const int64_t mono_ms = env_mono_ms(j->shared->env);
	const struct call c = next_call(j, env_wall_ms(j->shared->env));
	struct session_counts n;
	struct err err;

	if (m == NULL || mono_ms < j->count_ms)
		return;
	j->count_ms = mono_ms + COUNT_SECONDS * 1000;
	if (!s->settings.metrics.enabled ||
	    !service_keeps_sessions(s->service) ||
	    store_count_sessions(j->store, &c, &n, &err) != 0)
		n = (struct session_counts){ .sessions = -1, .users = -1 };
	atomic_store(&m->live_sessions, n.sessions);
	atomic_store(&m->live_users, n.users);
}

static void
clean(struct janitor *j, bool sweep_too)
{
	struct snapshot *s = snapshot_acquire(j->slot);

	store_conn_bind(j->store, s->store);
	factors_conn_bind(j->factors, s->factors);
	write_touches(j);
	janitor_count(j, s);
	if (sweep_too)
		janitor_sweep(j, sweep_store);
	if (sweep_too && s->factors != NULL)
		janitor_sweep(j, sweep_factors);
	snapshot_release(j->slot, s);
}

/* Waits; true when the thread must end. */
static bool
wait_for_stop(struct janitor *j)
{
	struct timespec until;
	bool stop;

	(void)pthread_mutex_lock(&j->lock);
	/* The condition variable uses the same clock. */
	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail */
	until.tv_nsec += TOUCH_MS * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (!j->stop &&
	       pthread_cond_timedwait(&j->wake, &j->lock, &until) != ETIMEDOUT)
		continue;
	stop = j->stop;
	(void)pthread_mutex_unlock(&j->lock);
	return stop;
}

static void *
janitor_run(void *arg)
{
	struct janitor *j = arg;
	int64_t swept_ms = env_mono_ms(j->shared->env);

	while (!wait_for_stop(j)) {
		int64_t now_ms = env_mono_ms(j->shared->env);
		bool sweep_too = now_ms - swept_ms >= SWEEP_SECONDS * 1000;

		if (sweep_too)
			swept_ms = now_ms;
		if (j->shared->metrics != NULL)
			metrics_sample(j->shared->metrics, now_ms);
		clean(j, sweep_too);
	}
	clean(j, false);
	return NULL;
}

static void
free_janitor(struct janitor *j)
{
	store_conn_free(j->store);
	factors_conn_free(j->factors);
	arena_free(j->arena);
	free(j->updates);
	free(j);
}

int
janitor_start(struct snapshot_slot *slot, const struct service_shared *shared,
	      struct janitor **out, struct err *err)
{
	struct janitor *j = calloc(1, sizeof(*j));
	pthread_condattr_t attr;

	if (j == NULL)
		return err_nomem(err);
	j->slot = slot;
	j->shared = shared;
	j->store = store_conn_new(shared->env);
	j->factors = factors_conn_new(shared->env);
	j->arena = arena_new(ARENA_MAX);
	j->updates = calloc(LAST_SEEN_MAX, sizeof(*j->updates));
	/* With these arguments, none of them can fail on Linux. */
	(void)pthread_mutex_init(&j->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&j->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (j->store == NULL || j->factors == NULL || j->arena == NULL ||
	    j->updates == NULL ||
	    pthread_create(&j->thread, NULL, janitor_run, j) != 0) {
		free_janitor(j);
		return err_nomem(err);
	}
	*out = j;
	return 0;
}

void
janitor_stop(struct janitor *j)
{
	if (j == NULL)
		return;
	(void)pthread_mutex_lock(&j->lock);
	j->stop = true;
	(void)pthread_cond_signal(&j->wake);
	(void)pthread_mutex_unlock(&j->lock);
	(void)pthread_join(j->thread, NULL); /* cannot fail: joined once */
	free_janitor(j);
}
