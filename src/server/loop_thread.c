/* SPDX-License-Identifier: MIT */
/* A loop thread: waits for events, accepts, and runs its connections. */
#include "server/connection.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env.h"

#define BATCH 64 /* events */

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
		loop_watch_listeners(l, false);
}

/* accept4() fails with a full descriptor table even if no client waits. */
static bool
somebody_waits(int listener)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };

	return poll(&pfd, 1, 0) != 0;
}

/* Returns the thread that has the fewest connections; this one, if no other has
 * fewer. */
static struct loop_thread *
least_loaded(struct loop_thread *t)
{
	struct loop *l = t->base.loop;
	struct loop_thread *least = t;

	for (unsigned i = 0; i < l->nthreads; i++) {
		struct loop_thread *other = &l->threads[i];

		if (atomic_load_explicit(&other->connections,
					 memory_order_relaxed) <
		    atomic_load_explicit(&least->connections,
					 memory_order_relaxed))
			least = other;
	}
	return least;
}

/* Returns a connection that is on the list, or NULL. */
static struct connection *
accept_one(struct loop_thread *t, int listener)
{
	struct loop *l = t->base.loop;
	struct connection *c = NULL;
	bool failed;
	int fd, reason;

	/* loop_stop() waits for threads that are between here and the list. */
	pthread_mutex_lock(&l->lock);
	if (l->stopping) {
		pthread_mutex_unlock(&l->lock);
		return NULL;
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
	if (c != NULL) {
		c->thread = least_loaded(t);
		loop_add(l, c);
	} else if (failed) {
		accept_failed(l, reason);
	}
	pthread_mutex_unlock(&l->lock);

	if (failed)
		loop_warn(l, &l->accept_log, "accept_failed", strerror(reason));
	if (c == NULL && fd >= 0)
		(void)close(fd);
	return c;
}

static void
on_listener(struct loop_thread *t, int listener)
{
	struct connection *c = accept_one(t, listener);

	if (c == NULL)
		return;
	if (c->thread == t)
		/* The first request has often arrived already. */
		connection_go_on(t, c, connection_step(t, c, false));
	else
		connection_assign(c, t->now_ms);
}

/* Returns true if the connection is with the pool, so that this event cannot be
 * handled now. */
static bool
is_with_pool(struct connection *c)
{
	int64_t ticket = TICKET_POOL;

	if (atomic_load(&c->ticket) != ticket)
		return false;
	connection_unwatch(c);
	return atomic_compare_exchange_strong(&c->ticket, &ticket,
					      TICKET_ALONE);
}

static void
on_connection(struct loop_thread *t, struct connection *c)
{
	bool expired;

	/* It is in `again`. After that it is armed, and epoll reports the event
	 * again. */
	if (atomic_load(&c->ticket) == TICKET_BUSY)
		return;
	if (is_with_pool(c))
		return;
	expired = atomic_exchange(&c->ticket, TICKET_BUSY) == TICKET_EXPIRED;
	connection_go_on(t, c, connection_step(t, c, expired));
}

/* Empties the queue, and returns what was in it as a list. */
static struct connection *
take_list(struct connection_queue *q)
{
	struct connection *c = q->first;

	queue_clear(q);
	return c;
}

static void
run_posted(struct loop_thread *t)
{
	struct connection *c, *following;

	pthread_mutex_lock(&t->lock);
	c = take_list(&t->posted);
	pthread_mutex_unlock(&t->lock);
	for (; c != NULL; c = following) {
		following = c->queued;
		atomic_store(&c->ticket, TICKET_BUSY);
		if (c->todo == NEXT_SERVE)
			connection_go_on(t, c, connection_serve(t, c));
		else
			connection_go_on(t, c, c->todo);
	}
}

static void
run_again(struct loop_thread *t)
{
	struct connection *c = take_list(&t->again), *following;

	for (; c != NULL; c = following) {
		following = c->queued;
		connection_go_on(t, c, connection_serve(t, c));
	}
}

static void
run_batch(struct loop_thread *t, const struct epoll_event *e, int n)
{
	bool woken = false;

	t->now_ms = env_mono_ms(t->base.loop->env);
	for (int i = 0; i < n; i++) {
		struct watch *watch = e[i].data.ptr;

		switch (watch->kind) {
		case WATCH_WAKE:
			woken = true;
			break;
		case WATCH_LISTENER:
			on_listener(t, watch->fd);
			break;
		case WATCH_CONNECTION:
			on_connection(t, e[i].data.ptr);
			break;
		}
	}
	run_again(t);
	if (woken)
		run_posted(t);
}

void *
loop_thread_run(void *arg)
{
	struct loop_thread *t = arg;

	for (;;) {
		struct epoll_event e[BATCH];
		int wait_ms = t->again.first == NULL ? -1 : 0;
		int n = epoll_wait(t->epoll, e, BATCH, wait_ms);

		assert(n >= 0 || errno == EINTR);
		if (atomic_load(&t->base.loop->ended))
			return NULL;
		thread_step(&t->base);
		run_batch(t, e, n);
		thread_step(&t->base);
	}
}

void
loop_thread_wake(struct loop_thread *t)
{
	uint64_t one = 1;
	ssize_t written;

	do {
		written = write(t->wake.fd, &one, sizeof(one));
	} while (written < 0 && errno == EINTR);
	assert(written == sizeof(one));
}

void
loop_thread_post(struct connection *c, enum connection_next todo)
{
	struct loop_thread *t = c->thread;
	bool first;

	c->todo = todo;
	pthread_mutex_lock(&t->lock);
	/* Otherwise it was woken, and has not yet taken what is there. */
	first = t->posted.first == NULL;
	queue_append(&t->posted, c);
	pthread_mutex_unlock(&t->lock);
	if (first)
		loop_thread_wake(t);
}

int
loop_thread_init(struct loop *l, struct loop_thread *t)
{
	/* Edge-triggered, so that it need not be read. */
	struct epoll_event e = { .events = EPOLLIN | EPOLLET,
				 .data.ptr = &t->wake };

	(void)pthread_mutex_init(&t->lock, NULL); /* cannot fail */
	queue_clear(&t->posted);
	queue_clear(&t->again);
	t->wake.kind = WATCH_WAKE;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->buffer = malloc(READ_BUFFER);
	if (t->epoll < 0 || t->wake.fd < 0 || t->buffer == NULL ||
	    epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->wake.fd, &e) < 0)
		return -1;
	return thread_init(l, &t->base);
}

void
loop_thread_destroy(struct loop_thread *t)
{
	thread_destroy(&t->base);
	free(t->buffer);
	if (t->wake.fd >= 0)
		(void)close(t->wake.fd);
	if (t->epoll >= 0)
		(void)close(t->epoll);
	(void)pthread_mutex_destroy(&t->lock); /* nobody holds it */
}
