/* SPDX-License-Identifier: MIT */
/* Follows the change feed of the store. */
#include "server/feed.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "strategy/feed.h"
#include "auth/cache.h"
#include "base/log.h"

#define TIMEOUT_LEAST_MS 1000
/* A reload and the end of the service wait for a round trip. */
#define TIMEOUT_MOST_MS	 5000
#define RETRY_LEAST_MS	 50
#define RETRY_MOST_MS	 1000
#define NO_FEED_RETRY_MS 60000

struct feed_thread {
	struct snapshot_slot *slot;
	const struct service_shared *shared;
	int wake; /* an eventfd: the snapshot has changed, or stop is set */
	atomic_bool stop;
	pthread_t thread;
	/* The thread alone uses the rest. */
	int64_t lost_ms; /* when the feed was lost; 0: it was not */
	int64_t retry_ms; /* the next wait after a failure */
	char why[sizeof(((struct err *)NULL)->msg)]; /* last logged reason */
};

/* The feeds of one snapshot, which are open one after the other. */
struct followed {
	struct feed_thread *thread;
	const struct snapshot *snapshot;
	const struct feed_ops *ops;
	void *feed;
	struct change_sink sink; /* of the feed */
	int64_t heartbeat_ms;
	int64_t proven_until_ms;
};

static int64_t
mono_ms(const struct feed_thread *f)
{
	return env_mono_ms(f->shared->env);
}

static void
set_trust(const struct followed *w, enum cache_trust why, int64_t until_ms)
{
	cache_set_trust(w->thread->shared->cache,
			w->snapshot->service->generation, why, until_ms);
}

/* Returns true, and forgets it, if another snapshot was published or the thread
 * must stop. */
static bool
is_woken(const struct feed_thread *f)
{
	uint64_t n;

	return read(f->wake, &n, sizeof(n)) == (ssize_t)sizeof(n);
}

/* Waits until the thread is woken, for at most `ms`; -1: for ever. */
static void
sleep_ms(const struct feed_thread *f, int64_t ms)
{
	struct pollfd p = { .fd = f->wake, .events = POLLIN };

	(void)poll(&p, 1, (int)ms); /* if it ends early, nothing is lost */
}

/* Returns what the checks do without a feed. */
static const char *
effect_of(const struct followed *w, const struct err *err)
{
	if (err->code == ERR_CONFIG && w->snapshot->settings.cache.max_age > 0)
		return "checks notice the end of a session elsewhere after at "
		       "most cache.max_age";
	return "every check asks the store";
}

static void
note_lost(const struct followed *w, const struct err *err)
{
	struct feed_thread *f = w->thread;
	const bool again = f->lost_ms != 0 && strcmp(f->why, err->msg) == 0;

	if (f->lost_ms == 0)
		f->lost_ms = mono_ms(f);
	if (again)
		return;
	memcpy(f->why, err->msg, sizeof(f->why));
	LOG(f->shared->env->log, LOG_WARNING,
	    err->code == ERR_CONFIG ? "feed_missing" : "feed_lost",
	    F_CSTR("reason", err->msg), F_CSTR("effect", effect_of(w, err)));
}

static void
note_proven(struct feed_thread *f)
{
	if (f->lost_ms == 0)
		return;
	LOG(f->shared->env->log, LOG_INFO, "feed_back",
	    F_INT("after_ms", mono_ms(f) - f->lost_ms));
	f->lost_ms = 0;
	f->retry_ms = RETRY_LEAST_MS;
}

/* Makes one proof. If the last one has already lapsed, changes may have been
 * delayed for longer than allowed: the entries from before are dropped. */
static int
make_proof(struct followed *w, struct err *err)
{
	const int64_t began_ms = mono_ms(w->thread);

	if (w->ops->prove(w->feed, err) != 0)
		return -1;
	if (mono_ms(w->thread) >= w->proven_until_ms)
		set_trust(w, CACHE_DOUBT, 0);
	w->proven_until_ms = began_ms + 2 * w->heartbeat_ms;
	set_trust(w, CACHE_FEED, w->proven_until_ms);
	note_proven(w->thread);
	return 0;
}

/* Receives changes until the next proof is due. *woken says why it returns. On
 * a busy machine a wait may last longer than it should: several short ones keep
 * the proof from being late. */
static int
receive_changes(const struct followed *w, bool *woken, struct err *err)
{
	const int64_t until_ms = w->proven_until_ms - w->heartbeat_ms;
	const int64_t part_ms = w->heartbeat_ms / 4 + 1;
	int64_t left_ms;

	while (!(*woken = is_woken(w->thread)) &&
	       (left_ms = until_ms - mono_ms(w->thread)) > 0) {
		if (w->ops->wait(w->feed, min64(left_ms, part_ms), err) != 0)
			return -1;
	}
	return 0;
}

/* Follows an open feed. Returns 0 when it is woken, -1 when the feed is
 * lost. */
static int
follow_feed(struct followed *w, struct err *err)
{
	bool woken = false;

	while (!woken) {
		if (make_proof(w, err) != 0 ||
		    receive_changes(w, &woken, err) != 0)
			return -1;
	}
	return 0;
}

/* Receives what the feed reports. */
static void
pass_on(void *ctx, const struct change *change)
{
	const struct followed *w = ctx;

	if (change->kind == CHANGE_ALL)
		store_emptied(w->snapshot->store);
	change_tell(w->thread->shared->changes, change);
}

static int
open_feed(struct followed *w, struct err *err)
{
	const struct settings *set = &w->snapshot->settings;
	const struct str info = set->cache.feed_conninfo;
	const int64_t timeout_ms = min64(2 * w->heartbeat_ms, TIMEOUT_MOST_MS);
	const struct feed_conf conf = {
		.sink = &w->sink,
		.timeout_ms = timeout_ms > TIMEOUT_LEAST_MS ? timeout_ms :
							      TIMEOUT_LEAST_MS,
		.wake = w->thread->wake,
		/* Settings are terminated by NUL. */
		.conninfo = info.n > 0 ? info.p : NULL,
	};

	return w->ops->open(w->snapshot->store->opened, &conf, &w->feed, err);
}

/* Returns how long to wait after a failure: a store without a feed may get one,
 * but seldom does. */
static int64_t
wait_after(struct feed_thread *f, const struct err *err)
{
	const int64_t ms = f->retry_ms;

	if (err->code == ERR_CONFIG)
		return NO_FEED_RETRY_MS;
	f->retry_ms = ms < RETRY_MOST_MS / 2 ? 2 * ms : RETRY_MOST_MS;
	return ms;
}

/* Opens feeds, one after the other, until the thread is woken. */
static void
follow_feeds(struct followed *w)
{
	struct feed_thread *f = w->thread;
	struct err err;

	for (;;) {
		int rc = open_feed(w, &err);

		w->proven_until_ms = 0;
		if (rc == 0) {
			/* Until now it could have been emptied unnoticed. */
			store_emptied(w->snapshot->store);
			rc = follow_feed(w, &err);
			set_trust(w, CACHE_DOUBT, 0);
			w->ops->close(w->feed);
		} else if (err.code == ERR_CONFIG) {
			set_trust(w, CACHE_AGE, 0);
		}
		if (rc == 0)
			return;
		note_lost(w, &err);
		sleep_ms(f, wait_after(f, &err));
		if (is_woken(f))
			return;
		set_trust(w, CACHE_DOUBT, 0);
	}
}

/* Follows the feed of the snapshot, or tells the cache why there is none, until
 * the thread is woken. */
static void
follow_snapshot(struct feed_thread *f, const struct snapshot *s)
{
	const struct session_store_ops *ops =
	    (const struct session_store_ops *)s->store->ops;
	struct followed w = {
		.thread = f,
		.snapshot = s,
		.ops = ops->feed,
		.heartbeat_ms = s->settings.cache.heartbeat,
	};

	w.sink = (struct change_sink){ .changed = pass_on, .ctx = &w };
	f->lost_ms = 0;
	f->retry_ms = RETRY_LEAST_MS;
	set_trust(&w, CACHE_DOUBT, 0);
	if (service_asks_store(s->service) && ops->feed != NULL) {
		follow_feeds(&w);
		return;
	}
	if ((s->store->caps & BACKEND_SHARED) == 0)
		set_trust(&w, CACHE_LOCAL, 0);
	else if (ops->feed == NULL)
		set_trust(&w, CACHE_AGE, 0);
	while (!is_woken(f))
		sleep_ms(f, -1);
}

static void *
feed_run(void *arg)
{
	struct feed_thread *f = arg;

	while (!atomic_load(&f->stop)) {
		struct snapshot *s = snapshot_acquire(f->slot);

		follow_snapshot(f, s);
		snapshot_release(f->slot, s);
	}
	return NULL;
}

static void
wake(struct feed_thread *f)
{
	const uint64_t one = 1;
	ssize_t written;

	do {
		written = write(f->wake, &one, sizeof(one));
	} while (written < 0 && errno == EINTR);
}

int
feed_start(struct snapshot_slot *slot, const struct service_shared *shared,
	   struct feed_thread **out, struct err *err)
{
	struct feed_thread *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(err);
	f->slot = slot;
	f->shared = shared;
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->wake < 0 || pthread_create(&f->thread, NULL, feed_run, f) != 0) {
		if (f->wake >= 0)
			(void)close(f->wake);
		free(f);
		return err_set(err, ERR_INTERNAL,
			       "the thread of the change feed cannot start");
	}
	*out = f;
	return 0;
}

void
feed_reload(struct feed_thread *f)
{
	if (f != NULL)
		wake(f);
}

void
feed_stop(struct feed_thread *f)
{
	if (f == NULL)
		return;
	atomic_store(&f->stop, true);
	wake(f);
	(void)pthread_join(f->thread, NULL); /* cannot fail: joined once */
	(void)close(f->wake);
	free(f);
}
