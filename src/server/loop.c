/* SPDX-License-Identifier: MIT */
/*
 * The life of the loop: its threads, the list of connections, deadlines,
 * draining. What happens to a connection is in connection.c.
 */
#include "server/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

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

void
thread_count(atomic_uint_fast64_t *n)
{
	atomic_store_explicit(n,
			      atomic_load_explicit(n, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

void
thread_step(struct server_thread *t)
{
	/* No other thread writes it, so this needs no atomic
	 * read-modify-write. */
	unsigned n = atomic_load_explicit(&t->steps, memory_order_relaxed);

	atomic_store_explicit(&t->steps, n + 1, memory_order_relaxed);
}

int
thread_init(struct loop *l, struct server_thread *t)
{
	t->loop = l;
	t->fcgi = fcgi_new();
	t->arena = arena_new(ARENA_MAX);
	return t->fcgi != NULL && t->arena != NULL ? 0 : -1;
}

void
thread_destroy(struct server_thread *t)
{
	fcgi_free(t->fcgi);
	arena_free(t->arena);
}

/* Returns false if out of memory. */
static bool
watch_listener(struct loop_thread *t, struct watch *w)
{
	/* Of the threads that wait, a new connection wakes one. */
	struct epoll_event e = { .events = EPOLLIN | EPOLLEXCLUSIVE,
				 .data.ptr = w };

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, w->fd, &e) == 0 ||
	       errno == EEXIST;
}

void
loop_watch_listeners(struct loop *l, bool on)
{
	for (unsigned i = 0; i < l->nthreads; i++) {
		struct loop_thread *t = &l->threads[i];

		for (size_t k = 0; k < l->nlisteners; k++) {
			struct watch *w = &l->listeners[k];

			if (!on)
				(void)epoll_ctl(t->epoll, EPOLL_CTL_DEL, w->fd,
						NULL);
			else if (!watch_listener(t, w))
				return; /* the next tick does it */
		}
	}
	l->paused = !on;
}

void
loop_add(struct loop *l, struct connection *c)
{
	c->next = l->first;
	c->link = &l->first;
	if (c->next != NULL)
		c->next->link = &c->next;
	l->first = c;
	atomic_fetch_add(&l->connections, 1);
	atomic_fetch_add(&c->thread->connections, 1);
	atomic_fetch_add_explicit(&l->accepted, 1, memory_order_relaxed);
}

void
loop_drop(struct loop *l, struct connection *c)
{
	pthread_mutex_lock(&l->lock);
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	pthread_mutex_unlock(&l->lock);
	atomic_fetch_sub(&c->thread->connections, 1);
	/* close() alone is not enough if a library has forked meanwhile. */
	if (c->events != 0)
		connection_unwatch(c);
	connection_free(c);
	/* A descriptor is free again, so accepting need not wait for the next
	 * tick. */
	pthread_mutex_lock(&l->lock);
	if (l->paused && !l->stopping)
		loop_watch_listeners(l, true);
	pthread_mutex_unlock(&l->lock);
	/* Last, so that a drained loop has no descriptor open. */
	atomic_fetch_sub(&l->connections, 1);
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

/* Returns the number of CPUs that the process may use. */
static unsigned
usable_cpus(void)
{
	cpu_set_t set;

	/* Fails on a machine with more CPUs than the set has room for. */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	return CPU_SETSIZE;
}

static void
end_threads(struct loop *l)
{
	pool_end(l);
	atomic_store(&l->ended, true);
	for (unsigned i = 0; i < l->nstarted; i++)
		loop_thread_wake(&l->threads[i]);
	for (unsigned i = 0; i < l->nstarted; i++)
		(void)pthread_join(l->threads[i].base.thread, NULL);
	l->nstarted = 0;
}

/* Frees the loop; none of its threads runs any more. */
static void
destroy(struct loop *l)
{
	while (l->first != NULL) {
		struct connection *c = l->first;

		l->first = c->next;
		connection_free(c);
	}
	pool_destroy(l);
	for (unsigned i = 0; l->threads != NULL && i < l->nthreads; i++)
		loop_thread_destroy(&l->threads[i]);
	free(l->threads);
	/* cannot fail: nobody holds it */
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static int
loop_prepare(struct loop *l, const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->n; i++)
		l->listeners[i] = (struct watch){ .kind = WATCH_LISTENER,
						  .fd = listeners->v[i].fd };
	l->nlisteners = listeners->n;
	l->threads = calloc(l->nthreads, sizeof(*l->threads));
	if (pool_init(l) < 0 || l->threads == NULL)
		return -1;
	for (unsigned i = 0; i < l->nthreads; i++)
		l->threads[i].epoll = l->threads[i].wake.fd = -1;
	for (unsigned i = 0; i < l->nthreads; i++) {
		if (loop_thread_init(l, &l->threads[i]) < 0)
			return -1;
	}
	return 0;
}

/* Starts the threads with signals blocked: the main thread takes them. */
static int
start_threads(struct loop *l)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (rc == 0 && l->nworking < l->config.threads) {
		rc = pool_start_worker(&l->workers[l->nworking]);
		if (rc == 0)
			l->nworking++;
	}
	while (rc == 0 && l->nstarted < l->nthreads) {
		struct loop_thread *t = &l->threads[l->nstarted];

		rc = pthread_create(&t->base.thread, NULL, loop_thread_run, t);
		if (rc == 0)
			l->nstarted++;
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
	l->config = *config;
	l->env = env;
	l->nthreads = config->loops != 0 ? config->loops : usable_cpus();
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
		return err_set(err, ERR_INTERNAL, "cannot set up the threads");
	}
	if (start_threads(l) < 0) {
		unsigned n = l->nthreads + config->threads;

		end_threads(l);
		destroy(l);
		return err_set(err, ERR_INTERNAL, "cannot start %u threads", n);
	}
	pthread_mutex_lock(&l->lock);
	loop_watch_listeners(l, true);
	pthread_mutex_unlock(&l->lock);
	*out = l;
	return 0;
}

void
loop_set_body_limit(struct loop *l, size_t bytes)
{
	atomic_store(&l->body_limit, bytes);
}

/* Ends what is due, of connections that are not in epoll. */
static void
expire_waits(struct loop *l, int64_t now_ms)
{
	if (l->config.slots != NULL)
		hash_slots_expire(l->config.slots, now_ms);
	pool_expire(l, now_ms);
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

	expire_waits(l, now);
	pthread_mutex_lock(&l->lock);
	loop_expire_due(l, until, now);
	if (l->paused && !l->stopping)
		loop_watch_listeners(l, true);
	pthread_mutex_unlock(&l->lock);
}

/* Returns for how long the thread has worked on the same. */
static int64_t
task_ms(struct server_thread *t, int64_t now)
{
	unsigned steps = atomic_load_explicit(&t->steps, memory_order_relaxed);

	if (steps % 2 == 0 || steps != t->seen_steps)
		t->seen_ms = now;
	t->seen_steps = steps;
	return now - t->seen_ms;
}

int64_t
loop_longest_task(struct loop *l)
{
	int64_t now = env_mono_ms(l->env), longest = 0;

	for (unsigned i = 0; i < l->nstarted + l->nworking; i++) {
		struct server_thread *t = i < l->nstarted ?
					      &l->threads[i].base :
					      &l->workers[i - l->nstarted].base;
		int64_t ms = task_ms(t, now);

		if (ms > longest)
			longest = ms;
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

	expire_waits(l, now);
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
	loop_watch_listeners(l, false);
	pthread_mutex_unlock(&l->lock);
	while (!drain(l, passed >= grace_ms) && passed < limit_ms) {
		(void)poll(NULL, 0, DRAIN_POLL_MS);
		passed = env_mono_ms(l->env) - begun;
	}
	end_threads(l);
	destroy(l);
}

static void
add_counts(const struct server_thread *t, struct loop_counts *out)
{
	out->requests += atomic_load(&t->requests);
	out->malformed += atomic_load(&t->malformed);
	out->timeouts += atomic_load(&t->timeouts);
}

void
loop_count(const struct loop *l, struct loop_counts *out)
{
	*out = (struct loop_counts){
		.accepted = atomic_load(&l->accepted),
		.timeouts = atomic_load(&l->timeouts),
		.full = atomic_load(&l->full),
		.connections = atomic_load(&l->connections),
		.workers = l->config.threads,
	};
	for (unsigned i = 0; i < l->nthreads; i++)
		add_counts(&l->threads[i].base, out);
	for (unsigned i = 0; i < l->config.threads; i++) {
		add_counts(&l->workers[i].base, out);
		out->busy_ms += atomic_load(&l->workers[i].busy_ms);
	}
}
