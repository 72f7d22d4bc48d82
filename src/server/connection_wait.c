/* SPDX-License-Identifier: MIT */
/* What a connection waits for: its phase, its deadline, its event in epoll, or
 * the pool. */
#include "server/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/env.h"
#include "base/secret.h"

#define LINGER_MS   2000
#define READ_EVENTS ((uint32_t)(EPOLLIN | EPOLLRDHUP))

/* Makes epoll watch these events. Nothing is touched after the descriptor was
 * added: its loop thread may own the connection then. */
static int
watch(struct connection *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };
	int op = c->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (c->events == events)
		return 0;
	c->events = events;
	return epoll_ctl(c->thread->epoll, op, c->watch.fd, &e);
}

void
connection_unwatch(struct connection *c)
{
	/* Fails only if the descriptor was not added. */
	(void)epoll_ctl(c->thread->epoll, EPOLL_CTL_DEL, c->watch.fd, NULL);
	c->events = 0;
}

/* Lets the connection wait for an event; the caller does not own it after
 * that. */
static void
arm(struct connection *c, uint32_t events, enum ticket_kind kind)
{
	if (c->n == 0) {
		connection_discard(&c->in, c->cap);
		c->cap = 0;
	}
	atomic_store(&c->ticket, ticket_make(c->deadline, kind));
	if (watch(c, events) == 0)
		return;
	/* The kernel has no memory to watch it, so no event comes and the
	 * caller still owns it. */
	(void)atomic_exchange(&c->ticket, TICKET_BUSY);
	loop_drop(c->loop, c);
}

/* Sets the deadline of what is read next, and returns its kind. */
static enum ticket_kind
begin_read(struct connection *c, int64_t now_ms)
{
	const struct loop_config *config = &c->loop->config;

	c->phase = PHASE_READ;
	if (c->n == 0) {
		c->begun = false;
		if (c->served)
			c->deadline = now_ms + config->idle_ms;
		else if (c->deadline == 0)
			c->deadline = now_ms + config->request_ms;
	} else if (!c->begun) {
		c->begun = true;
		c->deadline = now_ms + config->request_ms;
	}
	return c->n == 0 && c->served ? TICKET_IDLE : TICKET_READING;
}

/* Begins a phase and sets its deadline. */
static void
enter_phase(struct connection *c, enum phase phase, int64_t deadline)
{
	if (c->phase == phase)
		return;
	c->phase = phase;
	c->deadline = deadline;
	if (phase == PHASE_LINGER) {
		c->begun = false;
		c->n = 0;
		/* If this fails, the next read reports it. */
		(void)shutdown(c->watch.fd, SHUT_WR);
	}
}

/* The caller owns the connection, and no other thread has an event of it. */
static void
proceed(struct connection *c, enum connection_next next, int64_t now_ms)
{
	switch (next) {
	case NEXT_WRITE:
		enter_phase(c, PHASE_WRITE, now_ms + c->loop->config.write_ms);
		arm(c, EPOLLOUT, TICKET_WRITING);
		return;
	case NEXT_LINGER:
		enter_phase(c, PHASE_LINGER, now_ms + LINGER_MS);
		arm(c, READ_EVENTS, TICKET_READING);
		return;
	case NEXT_CLOSE:
		loop_drop(c->loop, c);
		return;
	default:
		arm(c, READ_EVENTS, begin_read(c, now_ms));
		return;
	}
}

static void
go_to_pool(struct loop_thread *t, struct connection *c)
{
	struct loop *l = c->loop;

	/* A writable socket would cause events all the time. */
	if (c->events != 0 && c->events != READ_EVENTS)
		connection_unwatch(c);
	c->deadline = t->now_ms + l->config.request_ms;
	atomic_store(&c->ticket, c->events != 0 ? TICKET_POOL : TICKET_ALONE);
	pool_push(&l->pool, c);
}

/* Copies what is left in the buffer of the thread, which is wiped. */
static int
leave_buffer(struct loop_thread *t, struct connection *c)
{
	size_t used = c->cap;

	if (c->in != t->buffer)
		return 0;
	c->in = NULL;
	c->cap = 0;
	if (c->n > 0) {
		c->in = malloc(c->n);
		if (c->in != NULL) {
			memcpy(c->in, t->buffer, c->n);
			c->cap = c->n;
		}
	}
	secret_wipe(t->buffer, used);
	return c->n > 0 && c->in == NULL ? -1 : 0;
}

void
connection_go_on(struct loop_thread *t, struct connection *c,
		 enum connection_next next)
{
	if (next == NEXT_LINGER || next == NEXT_CLOSE)
		c->n = 0;
	if (leave_buffer(t, c) < 0)
		next = NEXT_CLOSE;
	if (next == NEXT_SERVE)
		queue_append(&t->again, c);
	else if (next == NEXT_POOL)
		go_to_pool(t, c);
	else
		proceed(c, next, t->now_ms);
}

void
connection_assign(struct connection *c, int64_t now_ms)
{
	proceed(c, NEXT_READ, now_ms);
}

/* The next request of the connection may come; see connection.h. */
static void
keep_connection(struct connection *c, int64_t now_ms)
{
	int64_t ticket = TICKET_POOL;
	enum ticket_kind kind;

	connection_discard(&c->in, c->cap);
	c->cap = 0;
	kind = begin_read(c, now_ms);
	if (!atomic_compare_exchange_strong(&c->ticket, &ticket,
					    ticket_make(c->deadline, kind)))
		arm(c, READ_EVENTS, kind);
}

void
connection_hand_back(struct connection *c, enum connection_next next,
		     int64_t now_ms)
{
	if (next == NEXT_PARK)
		connection_park(c);
	else if (next == NEXT_READ)
		keep_connection(c, now_ms);
	else if (next != NEXT_SERVE && atomic_load(&c->ticket) == TICKET_ALONE)
		proceed(c, next, now_ms);
	else
		loop_thread_post(c, next);
}
