/* SPDX-License-Identifier: MIT */
/* What a connection waits for: its phase, its deadline and its event in
 * epoll. */
#include "server/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/env.h"

#define LINGER_MS 2000

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

#ifdef THREAD_SANITIZER
/* ThreadSanitizer knows that EPOLL_CTL_ADD happens before the event, but not
 * that EPOLL_CTL_MOD does, and so reports close() after the event as a race
 * with the call that armed. Suppressions by name do not help: to find names,
 * files must be opened, which fails in a test with a full descriptor table. */
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
#define UNCHECKED_BEGIN() AnnotateIgnoreReadsBegin(__FILE__, __LINE__)
#define UNCHECKED_END()	  AnnotateIgnoreReadsEnd(__FILE__, __LINE__)
#else
#define UNCHECKED_BEGIN() ((void)0)
#define UNCHECKED_END()	  ((void)0)
#endif

void
connection_arm(struct connection *c, uint32_t events, enum ticket_kind kind)
{
	struct loop *l = c->loop;
	struct epoll_event e = { .events = events | EPOLLONESHOT,
				 .data.ptr = c };
	int op = c->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int fd = c->watch.fd, rc;

	if (c->n == 0) {
		connection_discard(&c->in, c->cap);
		c->cap = 0;
	}
	c->registered = true;
	atomic_store(&c->ticket, ticket_make(c->deadline, kind));
	UNCHECKED_BEGIN();
	rc = epoll_ctl(l->epoll, op, fd, &e);
	UNCHECKED_END();
	if (rc == 0)
		return;
	/* The kernel has no memory to arm the connection, so no event comes
	 * and this worker still owns it. */
	(void)atomic_exchange(&c->ticket, TICKET_BUSY);
	loop_drop(l, c);
}

static void
arm_read(struct worker *w, struct connection *c)
{
	const struct loop_config *config = &w->loop->config;
	int64_t now = env_mono_ms(w->loop->env);

	if (c->n == 0) {
		c->begun = false;
		if (c->served)
			c->deadline = now + config->idle_ms;
		else if (c->deadline == 0)
			c->deadline = now + config->request_ms;
	} else if (!c->begun) {
		c->begun = true;
		c->deadline = now + config->request_ms;
	}
	c->phase = PHASE_READ;
	connection_arm(c, EPOLLIN | EPOLLRDHUP,
		       c->n == 0 && c->served ? TICKET_IDLE : TICKET_READING);
}

/* Begins a phase and sets its deadline. */
static void
enter_phase(struct worker *w, struct connection *c, enum phase phase,
	    int64_t ms)
{
	if (c->phase == phase)
		return;
	c->phase = phase;
	c->deadline = env_mono_ms(w->loop->env) + ms;
	if (phase == PHASE_LINGER) {
		c->begun = false;
		c->n = 0;
		/* If this fails, the next read reports it. */
		(void)shutdown(c->watch.fd, SHUT_WR);
	}
}

void
connection_go_on(struct worker *w, struct connection *c,
		 enum connection_next next)
{
	switch (next) {
	case NEXT_READ:
		arm_read(w, c);
		return;
	case NEXT_SERVE:
		/* The request is already read: the socket is writable, and that
		 * event queues the connection behind those that wait. */
		enter_phase(w, c, PHASE_SERVE, w->loop->config.request_ms);
		connection_arm(c, EPOLLOUT, TICKET_WRITING);
		return;
	case NEXT_PARK:
		connection_park(c);
		return;
	case NEXT_WRITE:
		enter_phase(w, c, PHASE_WRITE, w->loop->config.write_ms);
		connection_arm(c, EPOLLOUT, TICKET_WRITING);
		return;
	case NEXT_LINGER:
		enter_phase(w, c, PHASE_LINGER, LINGER_MS);
		connection_arm(c, EPOLLIN | EPOLLRDHUP, TICKET_READING);
		return;
	case NEXT_CLOSE:
		loop_drop(w->loop, c);
		return;
	}
}
