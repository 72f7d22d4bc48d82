/* SPDX-License-Identifier: MIT */
/* One connection: reads, serves and answers it. No function here blocks, except
 * that connection_handle() calls the handler: a connection that cannot go on
 * now is armed in epoll, or goes to the pool (connection_wait.c). connection.h
 * says who owns what. */
#include "server/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

#define FIRST_READ 8192 /* for what does not come at once */
#define ANSWER_MAX ((size_t)1024 * 1024)
/* The number of pipelined requests served in a row before other connections are
 * served. */
#define FAIR_SHARE 8

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

void
connection_discard(char **p, size_t n)
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
	connection_discard(&c->in, c->cap);
	connection_discard(&c->out, c->out_n);
	free(c);
}

/* Makes room for more bytes, up to what the limits allow for one request. */
static bool
connection_make_room(struct connection *c)
{
	size_t max = frame_max(&c->limits), cap;
	char *in;

	if (c->n < c->cap)
		return true;
	cap = c->cap < FIRST_READ / 2 ? FIRST_READ : 2 * c->cap;
	if (cap > max)
		cap = max;
	if (cap <= c->n)
		return false;
	in = malloc(cap); /* realloc() would not wipe the old buffer */
	if (in == NULL)
		return false;
	if (c->n > 0)
		memcpy(in, c->in, c->n);
	connection_discard(&c->in, c->cap);
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
static enum connection_next
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

static enum connection_next
answered(struct connection *c)
{
	return c->keep ? NEXT_READ : connection_finish(c);
}

static enum connection_next
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

/* Decodes the request that is complete at the beginning of c->in. */
static int
decode(struct server_thread *t, const struct connection *c, struct message *m,
       struct err *err)
{
	if (fcgi_decode(t->fcgi, c->in, c->frame.pos, t->arena, m, err) < 0)
		return -1;
	if (c->frame.body_too_large) {
		m->body_too_large = true;
		m->body = STR("");
	}
	return 0;
}

/* Puts the framed answer into the thread's arena; -1 when there is none. */
static int
frame_answer(struct server_thread *t, const struct buf *cgi, struct buf *out,
	     struct err *err)
{
	if (buf_failed(cgi) || cgi->n == 0) {
		fcgi_abort(t->fcgi);
		return err_set(err, ERR_INTERNAL, "the handler made no answer");
	}
	/* Twice the size: record headers and padding come on top. */
	buf_init(out, t->arena, 2 * ANSWER_MAX);
	return fcgi_answer(t->fcgi, buf_str(cgi), out, err);
}

static enum connection_next
request_failed(const struct loop *l, const struct err *err)
{
	LOG(l->env->log, LOG_ERROR, "request_failed",
	    F_CSTR("reason", err->msg));
	return NEXT_LINGER;
}

/* Sends what the handler has made of the request. */
static enum connection_next
respond(struct server_thread *t, struct connection *c, const struct buf *cgi)
{
	struct loop *l = t->loop;
	enum connection_next next;
	struct buf out;
	struct err err;
	int rc = frame_answer(t, cgi, &out, &err);

	thread_count(&t->requests);
	c->keep = c->frame.keep;
	/* The loop may have begun to stop while the request was handled. */
	end_reading(l, c);
	end_request(l, c);
	next =
	    rc == 0 ? send_answer(c, buf_str(&out)) : request_failed(l, &err);
	arena_reset(t->arena);
	return next;
}

/* A request that was checked to be complete cannot be decoded. */
static enum connection_next
refuse(struct server_thread *t, struct connection *c, const struct err *err)
{
	thread_count(&t->requests);
	end_request(t->loop, c);
	arena_reset(t->arena);
	return request_failed(t->loop, err);
}

/* Answers a complete request if that is possible without waiting. */
static enum connection_next
try_request(struct server_thread *t, struct connection *c)
{
	const struct loop_config *config = &t->loop->config;
	struct message m;
	struct buf cgi;
	struct err err;

	if (config->try == NULL)
		return NEXT_POOL;
	if (decode(t, c, &m, &err) < 0)
		return refuse(t, c, &err);
	buf_init(&cgi, t->arena, ANSWER_MAX);
	m.place = NULL;
	if (config->try(config->ctx, t->arena, &m, &cgi))
		return respond(t, c, &cgi);
	fcgi_abort(t->fcgi);
	arena_reset(t->arena);
	return NEXT_POOL;
}

enum connection_next
connection_handle(struct worker *w, struct connection *c)
{
	struct server_thread *t = &w->base;
	const struct loop_config *config = &t->loop->config;
	enum connection_next next;
	struct message m;
	struct buf cgi;
	struct err err;

	if (decode(t, c, &m, &err) < 0)
		return refuse(t, c, &err);
	buf_init(&cgi, t->arena, ANSWER_MAX);
	m.place = config->slots != NULL ? &c->place : NULL;
	if (config->handle(config->ctx, w->number, t->arena, &m, &cgi)) {
		fcgi_abort(t->fcgi);
		arena_reset(t->arena);
		return NEXT_PARK;
	}
	/* the request did not need it any more */
	if (c->place.state != HASH_NONE)
		hash_slots_give(config->slots, &c->place);
	next = respond(t, c, &cgi);
	return next == NEXT_READ && c->n > 0 ? NEXT_SERVE : next;
}

enum connection_next
connection_serve(struct loop_thread *t, struct connection *c)
{
	struct loop *l = t->base.loop;

	for (int i = 0; i < FAIR_SHARE; i++) {
		enum connection_next next = NEXT_READ;

		switch (frame_scan(&c->frame, &c->limits, c->in, &c->n)) {
		case FRAME_MALFORMED:
			thread_count(&t->base.malformed);
			loop_warn(l, &l->malformed_log, "malformed_request",
				  "invalid FastCGI, or over a limit");
			return NEXT_LINGER;
		case FRAME_INCOMPLETE:
			return NEXT_READ;
		case FRAME_COMPLETE:
			next = try_request(&t->base, c);
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

static enum connection_next
read_on(struct loop_thread *t, struct connection *c)
{
	struct loop *l = t->base.loop;
	ssize_t got;

	if (c->n == 0) {
		got = receive(c, t->buffer, READ_BUFFER);
		if (got <= 0)
			return got == 0 ? NEXT_CLOSE : NEXT_READ;
		/* The limits may have changed since the last request, but
		 * before these bytes were sent. */
		begin_request(l, c);
		c->in = t->buffer;
		c->cap = (size_t)got;
	} else {
		if (!connection_make_room(c))
			return NEXT_CLOSE;
		got = receive(c, c->in + c->n, c->cap - c->n);
		if (got <= 0)
			return got == 0 ? NEXT_CLOSE : NEXT_READ;
	}
	c->n += (size_t)got;
	return connection_serve(t, c);
}

static enum connection_next
write_on(struct loop_thread *t, struct connection *c)
{
	enum connection_next next;
	ssize_t sent;

	end_reading(t->base.loop, c);
	sent = send_some(c, c->out + c->out_sent, c->out_n - c->out_sent);
	if (sent < 0)
		return NEXT_CLOSE;
	c->out_sent += (size_t)sent;
	if (c->out_sent < c->out_n)
		return NEXT_WRITE;
	connection_discard(&c->out, c->out_n);
	c->phase = PHASE_READ; /* the next answer has a deadline of its own */
	next = answered(c);
	return next == NEXT_READ && c->n > 0 ? connection_serve(t, c) : next;
}

/* Reads and drops what the peer still sends, until it has closed. */
static enum connection_next
linger_on(const struct connection *c)
{
	char rest[4096];

	return receive(c, rest, sizeof(rest)) == 0 ? NEXT_CLOSE : NEXT_LINGER;
}

enum connection_next
connection_step(struct loop_thread *t, struct connection *c, bool expired)
{
	/* Before a request, the socket is read once more: see expire(). */
	if (expired && (c->phase != PHASE_READ || c->n > 0)) {
		if (c->begun || c->phase == PHASE_WRITE)
			thread_count(&t->base.timeouts);
		return NEXT_CLOSE;
	}
	switch (c->phase) {
	case PHASE_READ:
		return read_on(t, c);
	case PHASE_WRITE:
		return write_on(t, c);
	case PHASE_LINGER:
		return linger_on(c);
	}
	assert(false);
	return NEXT_CLOSE;
}
