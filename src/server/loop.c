/* SPDX-License-Identifier: MIT */
/*
 * The life of the loop: workers, accepting, deadlines, draining. What a worker
 * does with a connection is in connection.c.
 */
#include "server/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "server/connection.h"
#include "server/fcgi.h"

#define ARENA_MAX     ((size_t)64 * 1024 * 1024)
#define DRAIN_POLL_MS 5

void
loop_warn(const struct loop *l, struct log_limit *limit, const char *event,
	  const char *reason)
{
	int64_t left_out;

	if (log_limit_take(limit, env_mono_ms(l->env), 1, &left_out))
		LOG(l->env->log, LOG_WARNING, event, F_CSTR("reason", reason),
		    F_INT("left_out", left_out));
}

/* Takes the listeners out of epoll, or puts them back. Called under the
 * lock. */
static void
watch_listeners(struct loop *l, bool on)
{
	for (size_t i = 0; i < l->nlisteners; i++) {
		struct watch *w = &l->listeners[i];
		struct epoll_event e = { .events = on ? EPOLLIN : 0,
					 .data.ptr = w };

		/* If out of memory, the next tick does it. */
		if (epoll_ctl(l->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
			      w->fd, &e) < 0 &&
		    on && errno != EEXIST)
			return;
	}
	l->paused = !on;
}

static void
loop_add(struct loop *l, struct connection *c)
{
	c->next = l->first;
	c->link = &l->first;
	if (c->next != NULL)
		c->next->link = &c->next;
	l->first = c;
	atomic_fetch_add(&l->connections, 1);
}

void
loop_drop(struct loop *l, struct connection *c)
{
	pthread_mutex_lock(&l->lock);
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	pthread_mutex_unlock(&l->lock);
	/* close() alone is not enough if a library has forked meanwhile. */
	if (c->registered)
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, c->watch.fd, NULL);
	connection_free(c);
	/* A descriptor is free again, so accepting need not wait for the next
	 * tick. */
	pthread_mutex_lock(&l->lock);
	if (l->paused && !l->stopping)
		watch_listeners(l, true);
	pthread_mutex_unlock(&l->lock);
	/* Last, so that a drained loop has no descriptor open. */
	atomic_fetch_sub(&l->connections, 1);
}

/* Called under the lock: there are no descriptors, or there is another
 * condition that does not go away by trying again. */
static void
accept_failed(struct loop *l, int reason)
{
	if (reason == EMFILE || reason == ENFILE) {
		atomic_fetch_add(&l->full, 1);
		loop_make_room(l);
	}
	if (!l->stopping && !l->paused)
		watch_listeners(l, false);
}

/* accept4() fails with a full descriptor table even if no client waits. */
static bool
somebody_waits(int listener)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };

	return poll(&pfd, 1, 0) != 0;
}

static void
accept_one(struct worker *w, int listener)
{
	struct loop *l = w->loop;
	struct connection *c = NULL;
	bool failed;
	int fd, reason;

	/* loop_stop() waits for workers that are between here and the list. */
	pthread_mutex_lock(&l->lock);
	if (l->stopping) {
		pthread_mutex_unlock(&l->lock);
		return;
	}
	l->accepting++;
	pthread_mutex_unlock(&l->lock);

	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	reason = fd < 0 ? errno : ENOMEM;
	if (fd >= 0)
		c = connection_new(l, fd);
	failed = c == NULL && reason != EAGAIN && reason != EINTR &&
		 reason != ECONNABORTED &&
		 (fd >= 0 || somebody_waits(listener));

	pthread_mutex_lock(&l->lock);
	l->accepting--;
	if (c != NULL)
		loop_add(l, c);
	else if (failed)
		accept_failed(l, reason);
	pthread_mutex_unlock(&l->lock);

	if (failed)
		loop_warn(l, &l->accept_log, "accept_failed", strerror(reason));
	if (c == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	atomic_fetch_add_explicit(&l->accepted, 1, memory_order_relaxed);
	connection_run(w, c);
}

/* No other thread writes it, so this needs no atomic read-modify-write. */
static void
loop_step(struct worker *w)
{
	unsigned n = atomic_load_explicit(&w->steps, memory_order_relaxed);

	atomic_store_explicit(&w->steps, n + 1, memory_order_relaxed);
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		struct epoll_event e;
		/* One event: other workers take the others. */
		int n = epoll_wait(w->loop->epoll, &e, 1, -1);
		struct watch *watch;

		if (n != 1) {
			assert(n < 0 && errno == EINTR);
			continue;
		}
		watch = e.data.ptr;
		loop_step(w);
		switch (watch->kind) {
		case WATCH_QUIT:
			return NULL;
		case WATCH_LISTENER:
			accept_one(w, watch->fd);
			break;
		case WATCH_CONNECTION:
			connection_run(w, e.data.ptr);
			break;
		}
		loop_step(w);
	}
}

static void
raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	/* If this fails, the service works with the lower limit. */
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static void
end_workers(struct loop *l)
{
	uint64_t one = 1;
	ssize_t written;

	do {
		written = write(l->quit.fd, &one, sizeof(one));
	} while (written < 0 && errno == EINTR);
	assert(written == sizeof(one));
	for (unsigned i = 0; i < l->nworkers; i++)
		(void)pthread_join(l->workers[i].thread, NULL);
	l->nworkers = 0;
}

/* Frees the loop; no worker runs any more. */
static void
destroy(struct loop *l)
{
	while (l->first != NULL) {
		struct connection *c = l->first;

		l->first = c->next;
		connection_free(c);
	}
	for (unsigned i = 0; i < l->config.threads; i++) {
		fcgi_free(l->workers[i].fcgi);
		arena_free(l->workers[i].arena);
	}
	free(l->workers);
	if (l->quit.fd >= 0)
		(void)close(l->quit.fd);
	if (l->epoll >= 0)
		(void)close(l->epoll);
	/* cannot fail: nobody holds it */
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static int
loop_prepare(struct loop *l, const struct listeners *listeners)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = &l->quit };

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->quit.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll < 0 || l->quit.fd < 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->quit.fd, &e) < 0)
		return -1;
	for (size_t i = 0; i < listeners->n; i++)
		l->listeners[i] = (struct watch){ .kind = WATCH_LISTENER,
						  .fd = listeners->v[i].fd };
	l->nlisteners = listeners->n;
	for (unsigned i = 0; i < l->config.threads; i++) {
		struct worker *w = &l->workers[i];

		w->loop = l;
		w->number = i;
		w->fcgi = fcgi_new();
		w->arena = arena_new(ARENA_MAX);
		if (w->fcgi == NULL || w->arena == NULL)
			return -1;
	}
	return 0;
}

/* Starts the workers with signals blocked: the main thread takes them. */
static int
start_workers(struct loop *l)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (rc == 0 && l->nworkers < l->config.threads) {
		struct worker *w = &l->workers[l->nworkers];

		rc = pthread_create(&w->thread, NULL, work, w);
		if (rc == 0)
			l->nworkers++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc == 0 ? 0 : -1;
}

static struct loop *
loop_new(const struct loop_config *config, const struct env *env)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->workers = calloc(config->threads, sizeof(*l->workers));
	if (l->workers == NULL) {
		free(l);
		return NULL;
	}
	l->config = *config;
	l->env = env;
	l->epoll = -1;
	l->quit = (struct watch){ .kind = WATCH_QUIT, .fd = -1 };
	l->paused = true;
	atomic_init(&l->body_limit, config->frame.body);
	(void)pthread_mutex_init(&l->lock, NULL); /* cannot fail on Linux */
	return l;
}

int
loop_start(const struct loop_config *config, const struct listeners *listeners,
	   const struct env *env, struct loop **out, struct err *err)
{
	struct loop *l;

	assert(config->threads > 0);
	raise_descriptor_limit();
	l = loop_new(config, env);
	if (l == NULL)
		return err_nomem(err);
	if (loop_prepare(l, listeners) < 0) {
		destroy(l);
		return err_set(err, ERR_INTERNAL, "cannot set up the workers");
	}
	if (start_workers(l) < 0) {
		end_workers(l);
		destroy(l);
		return err_set(err, ERR_INTERNAL, "cannot start %u threads",
			       config->threads);
	}
	pthread_mutex_lock(&l->lock);
	watch_listeners(l, true);
	pthread_mutex_unlock(&l->lock);
	*out = l;
	return 0;
}

void
loop_set_body_limit(struct loop *l, size_t bytes)
{
	atomic_store(&l->body_limit, bytes);
}

void
loop_tick(struct loop *l)
{
	int64_t now = env_mono_ms(l->env);
	const int64_t until[TICKET_KINDS] = {
		[TICKET_IDLE] = now,
		[TICKET_READING] = now,
		[TICKET_WRITING] = now,
	};

	if (l->config.slots != NULL)
		hash_slots_expire(l->config.slots, now);
	pthread_mutex_lock(&l->lock);
	loop_expire_due(l, until, now);
	if (l->paused && !l->stopping)
		watch_listeners(l, true);
	pthread_mutex_unlock(&l->lock);
}

int64_t
loop_longest_task(struct loop *l)
{
	int64_t now = env_mono_ms(l->env), longest = 0;

	for (unsigned i = 0; i < l->nworkers; i++) {
		struct worker *w = &l->workers[i];
		unsigned steps =
		    atomic_load_explicit(&w->steps, memory_order_relaxed);

		if (steps % 2 == 0 || steps != w->seen_steps)
			w->seen_ms = now;
		w->seen_steps = steps;
		if (now - w->seen_ms > longest)
			longest = now - w->seen_ms;
	}
	return longest;
}

/* True when no connection is left and none can come. */
static bool
drain(struct loop *l, bool grace_over)
{
	int64_t now = env_mono_ms(l->env);
	const int64_t until[TICKET_KINDS] = {
		[TICKET_IDLE] = INT64_MAX,
		[TICKET_READING] = grace_over ? INT64_MAX : now,
		[TICKET_WRITING] = now,
	};
	bool done;

	if (l->config.slots != NULL)
		hash_slots_expire(l->config.slots, now);
	pthread_mutex_lock(&l->lock);
	done = l->accepting == 0 && atomic_load(&l->connections) == 0;
	loop_expire_due(l, until, now);
	pthread_mutex_unlock(&l->lock);
	return done;
}

void
loop_stop(struct loop *l, int64_t grace_ms, int64_t limit_ms)
{
	int64_t begun = env_mono_ms(l->env), passed = 0;

	pthread_mutex_lock(&l->lock);
	atomic_store(&l->stopping, true);
	watch_listeners(l, false);
	pthread_mutex_unlock(&l->lock);
	while (!drain(l, passed >= grace_ms) && passed < limit_ms) {
		(void)poll(NULL, 0, DRAIN_POLL_MS);
		passed = env_mono_ms(l->env) - begun;
	}
	end_workers(l);
	destroy(l);
}

void
loop_count(const struct loop *l, struct loop_counts *out)
{
	*out = (struct loop_counts){
		.accepted = atomic_load(&l->accepted),
		.requests = atomic_load(&l->requests),
		.malformed = atomic_load(&l->malformed),
		.timeouts = atomic_load(&l->timeouts),
		.full = atomic_load(&l->full),
		.connections = atomic_load(&l->connections),
	};
}
