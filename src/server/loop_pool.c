/* SPDX-License-Identifier: MIT */
/* The pool: workers that handle requests for which they may have to wait, in
 * order of arrival. */
#include "server/connection.h"

#include <stdlib.h>

#include "base/env.h"

void
queue_clear(struct connection_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

void
queue_append(struct connection_queue *q, struct connection *c)
{
	c->queued = NULL;
	*q->last = c;
	q->last = &c->queued;
}

/* Returns the first connection, or NULL. */
static struct connection *
queue_take(struct connection_queue *q)
{
	struct connection *c = q->first;

	if (c != NULL) {
		q->first = c->queued;
		if (q->first == NULL)
			q->last = &q->first;
	}
	return c;
}

/* Takes a worker that is to be woken, if there are requests for it. Called
 * under the lock. No second one is woken before the first has begun: then that
 * one wakes the next, unless there is nothing left to do. */
static struct worker *
take_idle(struct pool *p)
{
	struct worker *w = p->idle;

	if (p->queue.first == NULL || w == NULL || p->waking)
		return NULL;
	p->idle = w->next_idle;
	p->waking = true;
	return w;
}

static void
wake_worker(struct worker *w)
{
	if (w != NULL)
		(void)sem_post(&w->wake);
}

void
pool_push(struct pool *p, struct connection *c)
{
	struct worker *w;

	(void)pthread_mutex_lock(&p->lock);
	/* At the end no worker takes it, and it is freed with the loop. */
	if (!p->ended)
		queue_append(&p->queue, c);
	w = take_idle(p);
	(void)pthread_mutex_unlock(&p->lock);
	wake_worker(w);
}

/* Waits until there may be a connection in the queue. The worker that became
 * idle last is woken first: what it needs is still in the caches of its core.
 * Called under the lock. */
static void
pool_sleep(struct pool *p, struct worker *w)
{
	w->next_idle = p->idle;
	p->idle = w;
	(void)pthread_mutex_unlock(&p->lock);
	while (sem_wait(&w->wake) < 0)
		continue; /* interrupted by a signal */
	(void)pthread_mutex_lock(&p->lock);
	p->waking = false;
}

/* Waits for a connection; returns NULL at the end. */
static struct connection *
pool_take(struct pool *p, struct worker *w)
{
	struct connection *c;
	struct worker *next;

	(void)pthread_mutex_lock(&p->lock);
	while (!p->ended && p->queue.first == NULL)
		pool_sleep(p, w);
	c = p->ended ? NULL : queue_take(&p->queue);
	next = take_idle(p);
	(void)pthread_mutex_unlock(&p->lock);
	wake_worker(next);
	return c;
}

static void *
pool_work(void *arg)
{
	struct worker *w = arg;
	struct loop *l = w->base.loop;
	struct connection *c;

	while ((c = pool_take(&l->pool, w)) != NULL) {
		const int64_t began_ms = env_mono_ms(l->env);
		enum connection_next next;
		int64_t now_ms;

		thread_step(&w->base);
		next = connection_handle(w, c);
		now_ms = env_mono_ms(l->env);
		connection_hand_back(c, next, now_ms);
		/* Each duration is rounded to a millisecond, up as often as
		 * down, so that the sum is right. */
		atomic_fetch_add(&w->busy_ms, (uint64_t)(now_ms - began_ms));
		thread_step(&w->base);
	}
	return NULL;
}

int
pool_start_worker(struct worker *w)
{
	return pthread_create(&w->base.thread, NULL, pool_work, w);
}

/* Returns a connection that has waited for too long, or NULL. */
static struct connection *
take_overdue(struct pool *p, int64_t now_ms)
{
	struct connection *c = NULL;

	(void)pthread_mutex_lock(&p->lock);
	/* All wait equally long, so the first is due first. */
	if (p->queue.first != NULL && p->queue.first->deadline <= now_ms)
		c = queue_take(&p->queue);
	(void)pthread_mutex_unlock(&p->lock);
	return c;
}

void
pool_expire(struct loop *l, int64_t now_ms)
{
	struct connection *c;

	while ((c = take_overdue(&l->pool, now_ms)) != NULL) {
		thread_count(&l->timeouts);
		connection_hand_back(c, NEXT_CLOSE, now_ms);
	}
}

int
pool_init(struct loop *l)
{
	(void)pthread_mutex_init(&l->pool.lock, NULL); /* cannot fail */
	queue_clear(&l->pool.queue);
	l->workers = calloc(l->config.threads, sizeof(*l->workers));
	if (l->workers == NULL)
		return -1;
	for (unsigned i = 0; i < l->config.threads; i++) {
		struct worker *w = &l->workers[i];

		w->number = i;
		(void)sem_init(&w->wake, 0, 0); /* cannot fail */
		if (thread_init(l, &w->base) < 0)
			return -1;
	}
	return 0;
}

void
pool_end(struct loop *l)
{
	struct pool *p = &l->pool;

	(void)pthread_mutex_lock(&p->lock);
	p->ended = true;
	for (; p->idle != NULL; p->idle = p->idle->next_idle)
		wake_worker(p->idle);
	(void)pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < l->nworking; i++)
		(void)pthread_join(l->workers[i].base.thread, NULL);
	l->nworking = 0;
}

void
pool_destroy(struct loop *l)
{
	for (unsigned i = 0; l->workers != NULL && i < l->config.threads; i++) {
		thread_destroy(&l->workers[i].base);
		(void)sem_destroy(&l->workers[i].wake);
	}
	free(l->workers);
	(void)pthread_mutex_destroy(&l->pool.lock); /* nobody holds it */
}
