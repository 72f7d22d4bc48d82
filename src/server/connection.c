/* SPDX-License-Identifier: MIT */
/* One connection: reads, serves, answers and closes it. No function here
 * blocks: a connection that cannot go on now is armed in epoll. connection.h
 * says who owns what. */
#include "server/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "server/fcgi.h"

#define FIRST_READ 8192
#define ANSWER_MAX ((size_t)1024 * 1024)
#define LINGER_MS  2000
/* The number of pipelined requests served in a row before other connections are
 * served. */
#define FAIR_SHARE 8

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

enum next {
	NEXT_READ,
	NEXT_SERVE,
	NEXT_PARK,
	NEXT_WRITE,
	NEXT_LINGER,
	NEXT_CLOSE
};

struct connection *
connection_new(struct loop *l, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->watch = (struct watch){ .kind = WATCH_CONNECTION, .fd = fd };
	c->loop = l;
	c->place.wake = connection_wake;
	atomic_init(&c->ticket, TICKET_BUSY);
	return c;
}

/* Wipes and frees: passwords come in here and tokens go out. */
static void
discard(char **p, size_t n)
{
	if (*p != NULL)
		secret_wipe(*p, n);
	free(*p);
	*p = NULL;
}

void
connection_free(struct connection *c)
{
	if (c->place.state != HASH_NONE)
		hash_slots_give(c->loop->config.slots, &c->place);
	/* close() frees the descriptor even if it fails */
	(void)close(c->watch.fd);
	discard(&c->in, c->cap);
	discard(&c->out, c->out_n);
	free(c);
}

static void
connection_count(atomic_uint_fast64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* Makes room for more bytes, up to what the limits allow for one request. */
static bool
connection_make_room(struct connection *c)
{
	size_t max = frame_max(&c->limits), cap;
	char *in;

	if (c->n < c->cap)
		return true;
	cap = c->cap == 0 ? FIRST_READ : 2 * c->cap;
	if (cap > max)
		cap = max;
	if (cap <= c->n)
		return false;
	in = malloc(cap); /* realloc() would not wipe the old buffer */
	if (in == NULL)
		return false;
	if (c->n > 0)
		memcpy(in, c->in, c->n);
	discard(&c->in, c->cap);
	c->in = in;
	c->cap = cap;
	return true;
}

static void
begin_request(const struct loop *l, struct connection *c)
{
	c->limits = l->config.frame;
	c->limits.body =
	    atomic_load_explicit(&l->body_limit, memory_order_relaxed);
}

/* Removes the request that has been answered from the buffer. */
static void
end_request(const struct loop *l, struct connection *c)
{
	c->n -= c->frame.pos;
	if (c->n > 0)
		memmove(c->in, c->in + c->frame.pos, c->n);
	frame_next(&c->frame);
	begin_request(l, c);
	c->begun = false;
	c->served = true;
}

/* Bytes left unread would make close() send a reset, after which the peer may
 * lose the answer. */
static enum next
connection_finish(struct connection *c)
{
	char rest[1024];

	if (c->frame.skip == 0 && c->n == 0 &&
	    recv(c->watch.fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
		return NEXT_CLOSE;
	return NEXT_LINGER;
}

/* Sends as much as the socket takes now; -1 when the connection is broken. */
static ssize_t
send_some(const struct connection *c, const char *p, size_t n)
{
	ssize_t sent;

	do {
		sent = send(c->watch.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return sent;
}

/* Ends the reading side before the last answer of a loop that stops, so that
 * on a unix socket the peer cannot write another request that nobody would
 * read. What it has written so far is answered; then the stream ends and is
 * closed. */
static void
end_reading(const struct loop *l, const struct connection *c)
{
	if (c->keep && atomic_load(&l->stopping))
		/* Fails only on a broken connection. */
		(void)shutdown(c->watch.fd, SHUT_RD);
}

static enum next
answered(struct connection *c)
{
	return c->keep ? NEXT_READ : connection_finish(c);
}

static enum next
send_answer(struct connection *c, struct str answer)
{
	ssize_t sent = send_some(c, answer.p, answer.n);

	if (sent < 0)
		return NEXT_CLOSE;
	if ((size_t)sent == answer.n)
		return answered(c);
	answer = str_skip(answer, (size_t)sent);
	c->out = malloc(answer.n);
	if (c->out == NULL)
		return NEXT_CLOSE;
	memcpy(c->out, answer.p, answer.n);
	c->out_n = answer.n;
	c->out_sent = 0;
	return NEXT_WRITE;
}

/* Puts the framed answer into the worker's arena; -1 when there is none. */
static int
make_answer(struct worker *w, struct connection *c, struct buf *out,
	    struct err *err)
{
	const struct loop_config *config = &w->loop->config;
	struct message m;
	struct buf cgi;

	if (fcgi_decode(w->fcgi, c->in, c->frame.pos, w->arena, &m, err) < 0)
		return -1;
	if (c->frame.body_too_large) {
		m.body_too_large = true;
		m.body = STR("");
	}
	buf_init(&cgi, w->arena, ANSWER_MAX);
	m.place = config->slots != NULL ? &c->place : NULL;
	c->parked = config->handle(config->ctx, w->number, w->arena, &m, &cgi);
	if (c->parked) {
		fcgi_abort(w->fcgi);
		return 0;
	}
	/* the request did not need it any more */
	if (c->place.state != HASH_NONE)
		hash_slots_give(config->slots, &c->place);
	if (buf_failed(&cgi) || cgi.n == 0) {
		fcgi_abort(w->fcgi);
		return err_set(err, ERR_INTERNAL, "the handler made no answer");
	}
	/* Twice the size: record headers and padding come on top. */
	buf_init(out, w->arena, 2 * ANSWER_MAX);
	return fcgi_answer(w->fcgi, buf_str(&cgi), out, err);
}

static enum next
respond(struct worker *w, struct connection *c)
{
	struct loop *l = w->loop;
	struct buf out;
	struct err err;
	enum next next;
	int rc;

	c->keep = c->frame.keep;
	rc = make_answer(w, c, &out, &err);
	if (c->parked) {
		arena_reset(w->arena);
		return NEXT_PARK;
	}
	connection_count(&l->requests);
	/* The loop may have begun to stop while the request was handled. */
	end_reading(l, c);
	end_request(l, c);
	if (rc == 0) {
		next = send_answer(c, buf_str(&out));
	} else {
		LOG(l->env->log, LOG_ERROR, "request_failed",
		    F_CSTR("reason", err.msg));
		next = NEXT_LINGER;
	}
	arena_reset(w->arena);
	return next;
}

/* A request that was parked is known to be complete. */
static enum frame_state
scan(struct connection *c)
{
	if (c->parked)
		return FRAME_COMPLETE;
	return frame_scan(&c->frame, &c->limits, c->in, &c->n);
}

static enum next
connection_serve(struct worker *w, struct connection *c)
{
	for (int i = 0; i < FAIR_SHARE; i++) {
		enum next next = NEXT_READ;

		switch (scan(c)) {
		case FRAME_MALFORMED:
			connection_count(&w->loop->malformed);
			loop_warn(w->loop, &w->loop->malformed_log,
				  "malformed_request",
				  "invalid FastCGI, or over a limit");
			return NEXT_LINGER;
		case FRAME_INCOMPLETE:
			return NEXT_READ;
		case FRAME_COMPLETE:
			next = respond(w, c);
			break;
		}
		if (next != NEXT_READ || c->n == 0)
			return next;
	}
	return NEXT_SERVE;
}

/* Returns the number of bytes; 0 at the end of the stream or when it is broken;
 * -1 when none can be read now. */
static ssize_t
receive(const struct connection *c, char *p, size_t n)
{
	ssize_t got;

	do {
		got = recv(c->watch.fd, p, n, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		return 0;
	return got;
}

static enum next
read_on(struct worker *w, struct connection *c)
{
	bool fresh = c->n == 0;
	ssize_t got;

	if (fresh)
		begin_request(w->loop, c);
	if (!connection_make_room(c))
		return NEXT_CLOSE;
	got = receive(c, c->in + c->n, c->cap - c->n);
	if (got <= 0)
		return got == 0 ? NEXT_CLOSE : NEXT_READ;
	/* The limits may have changed before these bytes were sent, so this
	 * reads them again. */
	if (fresh)
		begin_request(w->loop, c);
	c->n += (size_t)got;
	return connection_serve(w, c);
}

static enum next
write_on(struct worker *w, struct connection *c)
{
	enum next next;
	ssize_t sent;

	end_reading(w->loop, c);
	sent = send_some(c, c->out + c->out_sent, c->out_n - c->out_sent);
	if (sent < 0)
		return NEXT_CLOSE;
	c->out_sent += (size_t)sent;
	if (c->out_sent < c->out_n)
		return NEXT_WRITE;
	discard(&c->out, c->out_n);
	next = answered(c);
	return next == NEXT_READ && c->n > 0 ? connection_serve(w, c) : next;
}

/* Reads and drops what the peer still sends, until it has closed. */
static enum next
linger_on(const struct connection *c)
{
	char rest[4096];

	return receive(c, rest, sizeof(rest)) == 0 ? NEXT_CLOSE : NEXT_LINGER;
}

void
connection_arm(struct connection *c, uint32_t events, enum ticket_kind kind)
{
	struct loop *l = c->loop;
	struct epoll_event e = { .events = events | EPOLLONESHOT,
				 .data.ptr = c };
	int op = c->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int fd = c->watch.fd, rc;

	if (c->n == 0) {
		discard(&c->in, c->cap);
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

static void
go_on(struct worker *w, struct connection *c, enum next next)
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

static enum next
connection_step(struct worker *w, struct connection *c)
{
	switch (c->phase) {
	case PHASE_READ:
		return read_on(w, c);
	case PHASE_SERVE:
		return connection_serve(w, c);
	case PHASE_WRITE:
		return write_on(w, c);
	case PHASE_LINGER:
		return linger_on(c);
	}
	assert(false);
	return NEXT_CLOSE;
}

void
connection_run(struct worker *w, struct connection *c)
{
	bool expired =
	    atomic_exchange(&c->ticket, TICKET_BUSY) == TICKET_EXPIRED;

	/* Before a request, the socket is read once more: see expire(). */
	if (expired && (c->phase != PHASE_READ || c->n > 0)) {
		if (c->begun || c->phase == PHASE_WRITE)
			connection_count(&w->loop->timeouts);
		go_on(w, c, NEXT_CLOSE);
		return;
	}
	go_on(w, c, connection_step(w, c));
}
