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

void
pool_push(struct pool *p, struct connection *c)
{
	struct worker *w;

	(void)pthread_mutex_lock(&p->lock);
	w = p->idle;
	/* At the end no worker takes it, and it is freed with the loop. */
	if (!p->ended)
		queue_append(&p->queue, c);
	if (w != NULL) {
		p->idle = w->next_idle;
		w->idle = false;
		(void)pthread_cond_signal(&w->wake);
	}
	(void)pthread_mutex_unlock(&p->lock);
}

/* Waits for a connection; returns NULL at the end. The worker that became idle
 * last is woken first: what it needs is still in the caches of its core. */
static struct connection *
pool_take(struct pool *p, struct worker *w)
{
	struct connection *c;

	(void)pthread_mutex_lock(&p->lock);
	while (!p->ended && p->queue.first == NULL) {
		w->idle = true;
		w->next_idle = p->idle;
		p->idle = w;
		while (w->idle)
			(void)pthread_cond_wait(&w->wake, &p->lock);
	}
	c = p->ended ? NULL : queue_take(&p->queue);
	(void)pthread_mutex_unlock(&p->lock);
	return c;
}

static void *
pool_work(void *arg)
{
	struct worker *w = arg;
	struct loop *l = w->base.loop;
	struct connection *c;

	while ((c = pool_take(&l->pool, w)) != NULL) {
		enum connection_next next;

		thread_step(&w->base);
		next = connection_handle(w, c);
		connection_hand_back(c, next, env_mono_ms(l->env));
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
		(void)pthread_cond_init(&w->wake, NULL); /* cannot fail */
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
	for (; p->idle != NULL; p->idle = p->idle->next_idle) {
		p->idle->idle = false;
		(void)pthread_cond_signal(&p->idle->wake);
	}
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
		(void)pthread_cond_destroy(&l->workers[i].wake);
	}
	free(l->workers);
	(void)pthread_mutex_destroy(&l->pool.lock); /* nobody holds it */
}
