/* SPDX-License-Identifier: MIT */
/*
 * Sends commands and reads replies with the parser of hiredis. Limits what
 * that would allocate for a mere announcement of a length.
 */
#include "backends/redis/client/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/redis/client/wire_error.h"
#include "backends/redis/client/wire_socket.h"
#include "backends/redis/client/tls.h"
#include "base/buf.h"
#include "base/secret.h"

#define OUT_MAX	     (16 << 20)
#define REPLY_MAX    (64 << 20)
#define ELEMENTS_MAX (1 << 20)
#define READ_BYTES   16384

/* How long the first read of a reply waits in recv(2), and how much time until
 * the deadline must be left for that. Later reads wait in poll(2), exactly
 * until the deadline. */
#define BLOCK_MS 250
#define LEFT_MS	 500

#if HIREDIS_MAJOR >= 1
#define ELEMENTS size_t
#else
#define ELEMENTS int
#endif

struct redis_wire {
	struct redis_address at;
	const struct env *env;
	int fd;
	SSL *ssl; /* NULL: no TLS */
	struct arena *arena; /* of `out`; reset when `out` is sent */
	struct buf out;
	size_t sent; /* of `out` */
	redisReader *reader;
	redisReplyObjectFunctions functions; /* of the reader */
	void *(*create_array)(const redisReadTask *task, ELEMENTS n);
	size_t fed; /* bytes since the last complete reply */
	bool known; /* redis_wire_is_new() was called */
};

/* Refuses huge arrays: 13 bytes can announce a billion elements. */
static void *
create_array(const redisReadTask *task, ELEMENTS n)
{
	const struct redis_wire *w = task->privdata;

	return (size_t)n > ELEMENTS_MAX ? NULL : w->create_array(task, n);
}

static redisReader *
make_reader(struct redis_wire *w)
{
	redisReader *r = redisReaderCreate();

	if (r == NULL)
		return NULL;
	w->functions = *r->fn;
	w->create_array = w->functions.createArray;
	w->functions.createArray = create_array;
	r->fn = &w->functions;
	r->privdata = w;
	return r;
}

static void
begin_out(struct redis_wire *w)
{
	arena_reset(w->arena);
	buf_init(&w->out, w->arena, OUT_MAX);
	w->sent = 0;
}

void
redis_wire_close(struct redis_wire *w)
{
	if (w == NULL)
		return;
	SSL_free(w->ssl);
	if (w->fd >= 0)
		(void)close(w->fd);
	if (w->reader != NULL)
		redisReaderFree(w->reader);
	arena_free(w->arena);
	free(w);
}

const struct redis_address *
redis_wire_address(const struct redis_wire *w)
{
	return &w->at;
}

int
redis_wire_add_peer(const struct redis_address *at, struct err *err)
{
	if (at->port == 0)
		return err_context(err, "%s", at->host);
	return err_context(err,
			   strchr(at->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
			   at->host, (unsigned)at->port);
}

/* Reads into buf. With `waits` the bytes are probably still to come: one call
 * then waits for them, and reads them. */
static ssize_t
wire_receive(struct redis_wire *w, char *buf, bool waits, short *events,
	     struct err *err)
{
	if (w->ssl == NULL)
		return waits ? redis_socket_read_on(w->fd, buf, READ_BYTES,
						    events, err) :
			       redis_socket_read(w->fd, buf, READ_BYTES, events,
						 err);
	if (!waits || SSL_has_pending(w->ssl))
		return redis_tls_read(w->ssl, buf, READ_BYTES, events, err);
	*events = POLLIN;
	return 0;
}

/* Passes the bytes that have arrived to the parser. Returns 0 if there are
 * none; then the caller must wait for *events. */
static ssize_t
wire_take(struct redis_wire *w, bool waits, short *events, struct err *err)
{
	char buf[READ_BYTES];
	ssize_t n = wire_receive(w, buf, waits, events, err);

	if (n <= 0)
		return n;
	w->fed += (size_t)n;
	if (w->fed > REPLY_MAX)
		return err_set(err, ERR_BUSY,
			       "reply: must have at most %d bytes", REPLY_MAX);
	if (redisReaderFeed(w->reader, buf, (size_t)n) != REDIS_OK)
		return err_set(err, ERR_UNAVAILABLE,
			       "reply: cannot be parsed: %s",
			       w->reader->errstr);
	return n;
}

static ssize_t
wire_put(struct redis_wire *w, short *events, struct err *err)
{
	const char *p = w->out.p + w->sent;
	size_t n = w->out.n - w->sent;

	return w->ssl != NULL ? redis_tls_write(w->ssl, p, n, events, err) :
				redis_socket_write(w->fd, p, n, events, err);
}

/* Reads replies while it writes, because a server may stop reading until its
 * replies are read. */
static int
flush(struct redis_wire *w, int64_t deadline_ms, struct err *err)
{
	while (w->sent < w->out.n) {
		short events = 0;
		ssize_t n = wire_put(w, &events, err);

		if (n < 0)
			return -1;
		w->sent += (size_t)n;
		if (n > 0)
			continue;
		if (redis_socket_wait(w->fd, (short)(events | POLLIN), w->env,
				      deadline_ms, err) != 0 ||
		    wire_take(w, false, &events, err) < 0)
			return -1;
	}
	begin_out(w);
	return 0;
}

int
redis_wire_flush(struct redis_wire *w, int64_t deadline_ms, struct err *err)
{
	if (flush(w, deadline_ms, err) != 0)
		return redis_wire_add_peer(&w->at, err);
	return 0;
}

/* Sets *out to a reply that the parser has, or to NULL. */
static int
parsed_reply(struct redis_wire *w, redisReply **out, struct err *err)
{
	void *reply = NULL;

	if (redisReaderGetReply(w->reader, &reply) != REDIS_OK)
		return err_set(err, ERR_UNAVAILABLE, "Redis protocol error: %s",
			       w->reader->errstr);
	if (reply != NULL)
		w->fed = 0;
	*out = reply;
	return 0;
}

static int
read_reply(struct redis_wire *w, int64_t deadline_ms, redisReply **out,
	   struct err *err)
{
	bool first = true;

	for (;;) {
		redisReply *reply = NULL;
		short events = 0;
		ssize_t n;

		if (parsed_reply(w, &reply, err) != 0)
			return -1;
		if (reply != NULL) {
			*out = reply;
			return 0;
		}
		if (flush(w, deadline_ms, err) != 0)
			return -1;
		n = wire_take(w,
			      first &&
				  deadline_ms - env_mono_ms(w->env) > LEFT_MS,
			      &events, err);
		first = false;
		if (n < 0 ||
		    (n == 0 && redis_socket_wait(w->fd, events, w->env,
						 deadline_ms, err) != 0))
			return -1;
		/* Single bytes must not extend the wait. */
		if (env_mono_ms(w->env) >= deadline_ms)
			return err_set(err, ERR_UNAVAILABLE,
				       "no complete reply in time");
	}
}

int
redis_wire_read(struct redis_wire *w, int64_t deadline_ms, redisReply **out,
		struct err *err)
{
	if (read_reply(w, deadline_ms, out, err) != 0)
		return redis_wire_add_peer(&w->at, err);
	return 0;
}

int
redis_wire_poll(struct redis_wire *w, redisReply **out, struct err *err)
{
	for (;;) {
		short events; /* what the server sends makes it readable */
		ssize_t n;

		if (parsed_reply(w, out, err) != 0)
			break;
		if (*out != NULL)
			return 0;
		n = wire_take(w, false, &events, err);
		if (n == 0)
			return 0;
		if (n < 0)
			break;
	}
	return redis_wire_add_peer(&w->at, err);
}

int
redis_wire_fd(const struct redis_wire *w)
{
	return w->fd;
}

/* A command is an array of strings, each preceded by its length. */
int
redis_wire_queue(struct redis_wire *w, const struct str *argv, size_t n,
		 struct err *err)
{
	buf_printf(&w->out, "*%zu\r\n", n);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&w->out, "$%zu\r\n", argv[i].n);
		buf_add(&w->out, argv[i]);
		buf_add_cstr(&w->out, "\r\n");
	}
	return buf_failed(&w->out) ? err_nomem(err) : 0;
}

int
redis_wire_call(struct redis_wire *w, const struct str *argv, size_t n,
		int64_t deadline_ms, redisReply **out, struct err *err)
{
	redisReply *reply;

	if (redis_wire_queue(w, argv, n, err) != 0 ||
	    redis_wire_read(w, deadline_ms, &reply, err) != 0)
		return -1;
	if (reply->type == REDIS_REPLY_ERROR) {
		(void)redis_reply_fail(reply, err);
		freeReplyObject(reply);
		return redis_wire_add_peer(&w->at, err);
	}
	*out = reply;
	return 0;
}

bool
redis_wire_is_stale(struct redis_wire *w)
{
	struct err ignored; /* the result says enough */
	short events;

	return w->reader->pos < w->reader->len ||
	       wire_take(w, false, &events, &ignored) != 0;
}

bool
redis_wire_is_new(struct redis_wire *w)
{
	bool is_new = !w->known;

	w->known = true;
	return is_new;
}

static int
start_tls(struct redis_wire *w, SSL_CTX *tls, int64_t deadline_ms,
	  struct err *err)
{
	if (redis_tls_session(tls, w->fd, w->at.host, &w->ssl, err) != 0)
		return -1;
	for (;;) {
		short events = 0;
		int n = redis_tls_handshake(w->ssl, &events, err);

		if (n != 0)
			return n > 0 ? 0 : -1;
		if (redis_socket_wait(w->fd, events, w->env, deadline_ms,
				      err) != 0)
			return -1;
		if (env_mono_ms(w->env) >= deadline_ms)
			return err_set(err, ERR_UNAVAILABLE,
				       "no TLS handshake in time");
	}
}

/* Does not use the text of an error reply, which may repeat the password. */
static int
authenticate(struct redis_wire *w, const struct redis_login *login,
	     int64_t deadline_ms, struct err *err)
{
	const struct str argv[] = { STR("AUTH"), login->username,
				    login->password };
	const struct str old[] = { STR("AUTH"), login->password };
	redisReply *reply;
	int result;

	if ((login->username.n > 0 ?
		 redis_wire_queue(w, argv, ARRAY_LEN(argv), err) :
		 redis_wire_queue(w, old, ARRAY_LEN(old), err)) != 0 ||
	    read_reply(w, deadline_ms, &reply, err) != 0)
		return -1;
	result = redis_reply_login(reply, err);
	freeReplyObject(reply);
	return result;
}

static int
select_db(struct redis_wire *w, int64_t db, int64_t deadline_ms,
	  struct err *err)
{
	char text[24];
	redisReply *reply;
	int n = snprintf(text, sizeof(text), "%lld", (long long)db);
	const struct str argv[] = { STR("SELECT"),
				    { .p = text, .n = (size_t)n } };
	int result = 0;

	if (redis_wire_queue(w, argv, ARRAY_LEN(argv), err) != 0 ||
	    read_reply(w, deadline_ms, &reply, err) != 0)
		return -1;
	if (reply->type == REDIS_REPLY_ERROR)
		result = redis_reply_fail(reply, err);
	freeReplyObject(reply);
	return result;
}

static int
greet(struct redis_wire *w, const struct redis_login *login,
      int64_t deadline_ms, struct err *err)
{
	if (redis_socket_connect(&w->at, w->env, deadline_ms, &w->fd, err) != 0)
		return -1;
	if ((login->tls != NULL ?
		 start_tls(w, login->tls, deadline_ms, err) :
		 redis_socket_block(w->fd, BLOCK_MS, err)) != 0)
		return -1;
	if (login->password.n > 0 &&
	    authenticate(w, login, deadline_ms, err) != 0)
		return -1;
	return login->db == 0 ? 0 : select_db(w, login->db, deadline_ms, err);
}

int
redis_wire_open(const struct redis_address *at, const struct redis_login *login,
		const struct env *env, int64_t deadline_ms,
		struct redis_wire **out, struct err *err)
{
	struct redis_wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(err);
	w->at = *at;
	w->env = env;
	w->fd = -1;
	w->arena = arena_new(4 * (size_t)OUT_MAX);
	w->reader = make_reader(w);
	if (w->arena == NULL || w->reader == NULL) {
		redis_wire_close(w);
		return err_nomem(err);
	}
	begin_out(w);
	if (greet(w, login, deadline_ms, err) != 0) {
		redis_wire_close(w);
		return redis_wire_add_peer(at, err);
	}
	*out = w;
	return 0;
}
