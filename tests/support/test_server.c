/* SPDX-License-Identifier: MIT */
/* The server core that test_server.h describes. */
#include "tests/support/test_server.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/hash_slots.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/option.h"
#include "server/fcgi.h"
#include "tests/support/process.h"

static struct str
param(const struct message *m, struct str name)
{
	for (size_t i = 0; i < m->nparams; i++) {
		if (str_eq(m->params[i].name, name))
			return m->params[i].value;
	}
	return STR("");
}

static void
wait_at_gate(struct test_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->at_gate++;
	while (!s->gate_open)
		pthread_cond_wait(&s->changed, &s->lock);
	s->at_gate--;
	pthread_mutex_unlock(&s->lock);
}

static void
wait_at_barrier(struct test_server *s)
{
	unsigned mine;

	pthread_mutex_lock(&s->lock);
	mine = s->barriers;
	s->at_barrier++;
	if (s->at_barrier == s->config.threads) {
		s->at_barrier = 0;
		s->barriers++;
		pthread_cond_broadcast(&s->changed);
	}
	while (s->barriers == mine)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static enum hash_answer
take_slot(struct test_server *s, const struct message *in)
{
	static const struct hash_claim claim = { .account_max = 1 };

	return hash_slots_take(s->config.slots, in->place, &claim,
			       env_mono_ms(&s->env));
}

static void
report(const struct message *in, struct buf *out)
{
	bool all_b = true;

	for (size_t i = 0; i < in->body.n; i++)
		all_b = all_b && in->body.p[i] == 'b';
	buf_printf(out,
		   "Status: 204\r\nParams: %zu\r\nBody: %zu %s\r\n"
		   "Large: %d\r\nAuthorizer: %d\r\nUri: ",
		   in->nparams, in->body.n, all_b ? "good" : "bad",
		   in->body_too_large, in->authorizer);
	buf_add(out, param(in, STR("REQUEST_URI")));
	buf_add_cstr(out, "\r\n\r\n");
}

static bool
handle(void *ctx, unsigned worker, struct arena *a, const struct message *in,
       struct buf *out)
{
	struct test_server *s = ctx;
	struct str what = param(in, STR("DO"));
	int64_t size = 0;

	(void)a;
	ck_assert_uint_lt(worker, s->config.threads);
	pthread_mutex_lock(&s->lock);
	if (s->handled < ARRAY_LEN(s->bodies))
		s->bodies[s->handled] = in->body.n;
	s->handled++;
	pthread_mutex_unlock(&s->lock);
	if (str_starts(what, STR("pool ")))
		what = str_skip(what, 5);
	if (str_eq(what, STR("nothing")))
		return false;
	if (str_eq(what, STR("gate")))
		wait_at_gate(s);
	if (str_eq(what, STR("barrier")))
		wait_at_barrier(s);
	if (str_starts(what, STR("slot"))) {
		enum hash_answer taken = take_slot(s, in);

		if (taken == HASH_QUEUED && str_eq(what, STR("slot gate")))
			wait_at_gate(s);
		if (taken == HASH_BUSY)
			buf_add_cstr(out, "Status: 503\r\n\r\n");
		if (taken != HASH_TAKEN)
			return taken == HASH_QUEUED;
	}
	report(in, out);
	if (str_starts(what, STR("size:")) &&
	    str_to_uint(str_skip(what, 5), INT32_MAX, &size)) {
		for (int64_t i = 0; i < size; i++)
			buf_add_char(out, 'x');
	}
	return false;
}

/* What a loop thread may answer. */
static bool
try(void *ctx, struct arena *a, const struct message *in, struct buf *out)
{
	static const char *const waits[] = { "pool", "gate", "barrier",
					     "slot" };
	struct str what = param(in, STR("DO"));

	ck_assert_ptr_null(in->place);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		if (str_starts(what, str_from(waits[i])))
			return false;
	}
	ck_assert(!handle(ctx, 0, a, in, out));
	return true;
}

const char *
test_server_label(int i)
{
	return i == 1 ? "loop thread" : "pool";
}

void
test_server_init(struct test_server *s, unsigned threads)
{
	*s = (struct test_server){
		.folder = "/tmp/fcgiauth-test-XXXXXX",
		.env = env_real(NULL),
		.config = {
			.threads = threads,
			.frame = { .params = BAD_PARAMS,
				   .pairs = BAD_PAIRS,
				   .body = BAD_BODY,
				   .excess = BAD_EXCESS },
			.request_ms = HANG_MS,
			.write_ms = HANG_MS,
			.idle_ms = HANG_MS,
			.handle = handle,
		},
	};
	s->config.ctx = s;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	ck_assert_ptr_nonnull(mkdtemp(s->folder));
	ck_assert_int_gt(snprintf(s->path, sizeof(s->path), "%s/socket",
				  s->folder),
			 0);
}

void
test_server_fake_clock(struct test_server *s)
{
	fake_env_init(&s->fake);
	s->env = s->fake.env;
}

void
test_server_start(struct test_server *s)
{
	struct err err = { .code = ERR_NONE };

	ck_assert_int_eq(fcgi_init(), 0);
	if (s->listeners.n == 0) {
		char address[100];
		struct str v;

		ck_assert_int_gt(snprintf(address, sizeof(address), "unix:%s",
					  s->path),
				 0);
		v = str_from(address);
		ck_assert_msg(listen_open(&(struct words){ .v = &v, .n = 1 },
					  0600, &s->listeners, &err) == 0,
			      "%s", err.msg);
	}
	s->config.try = s->tries ?
	try : NULL
		;
	ck_assert_msg(loop_start(&s->config, &s->listeners, &s->env, &s->loop,
				 &err) == 0,
		      "%s", err.msg);
}

void
test_server_begin(struct test_server *s, unsigned threads, bool tries)
{
	test_server_init(s, threads);
	s->tries = tries;
	test_server_start(s);
}

void
test_server_stop(struct test_server *s, int64_t grace_ms, int64_t limit_ms)
{
	loop_stop(s->loop, grace_ms, limit_ms);
	s->loop = NULL;
}

void
test_server_end(struct test_server *s)
{
	if (s->loop != NULL)
		test_server_stop(s, 0, HANG_MS);
	listen_close(&s->listeners);
	ck_assert_int_eq(rmdir(s->folder), 0);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

void
test_server_open_gate(struct test_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->gate_open = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

bool
test_server_wait(struct test_server *s, bool (*done)(struct test_server *s))
{
	int64_t end = process_now_ms() + HANG_MS;

	while (!done(s)) {
		if (process_now_ms() > end)
			return false;
		loop_tick(s->loop);
		(void)poll(NULL, 0, 2);
	}
	return true;
}

struct loop_counts
test_server_counts(struct test_server *s)
{
	struct loop_counts c;

	loop_count(s->loop, &c);
	return c;
}

bool
test_server_is_empty(struct test_server *s)
{
	return test_server_counts(s).connections == 0;
}

bool
test_server_is_at_gate(struct test_server *s)
{
	bool yes;

	pthread_mutex_lock(&s->lock);
	yes = s->at_gate == 1;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

int
test_server_connect(const struct test_server *s)
{
	int fd = fcgi_connect(s->path);

	ck_assert_int_ge(fd, 0);
	return fd;
}

void
test_server_send(int fd, const struct fcgi_request *r)
{
	struct bytes b = { .p = NULL };

	fcgi_request(&b, r);
	ck_assert(fcgi_send(fd, b.p, b.n));
	bytes_free(&b);
}

enum fcgi_got
test_server_read(int fd)
{
	struct fcgi_answer a;

	return fcgi_read(fd, HANG_MS, &a);
}

int
test_server_idle(const struct test_server *s)
{
	int fd = test_server_connect(s);

	test_server_send(fd, &(struct fcgi_request){ .keep = true });
	ck_assert_int_eq(test_server_read(fd), FCGI_GOT_ANSWER);
	return fd;
}

int
test_server_half_sent(const struct test_server *s)
{
	struct bytes b = { .p = NULL };
	int fd = test_server_connect(s);

	fcgi_request(&b, &(struct fcgi_request){ .body = 100 });
	ck_assert(fcgi_send(fd, b.p, b.n / 2));
	bytes_free(&b);
	return fd;
}

void
test_server_must_answer(struct test_server *s)
{
	struct fcgi_answer a;

	ck_assert_int_eq(fcgi_ask(s->path, &(struct fcgi_request){ .id = 1 },
				  HANG_MS, &a),
			 FCGI_GOT_ANSWER);
	ck_assert_str_eq(a.text,
			 "Status: 204\r\nParams: 3\r\nBody: 0 good\r\n"
			 "Large: 0\r\nAuthorizer: 0\r\nUri: /protected/\r\n"
			 "\r\n");
}

void
test_server_must_have_all_workers(struct test_server *s)
{
	const struct fcgi_request q = { .name = "DO", .value = "barrier" };
	struct bytes b = { .p = NULL };
	int fds[16];
	unsigned n = s->config.threads;

	ck_assert_uint_le(n, ARRAY_LEN(fds));
	fcgi_request(&b, &q);
	for (unsigned i = 0; i < n; i++) {
		fds[i] = fcgi_connect(s->path);
		ck_assert_int_ge(fds[i], 0);
		ck_assert(fcgi_send(fds[i], b.p, b.n));
	}
	for (unsigned i = 0; i < n; i++) {
		struct fcgi_answer a;

		ck_assert_int_eq(fcgi_read(fds[i], HANG_MS, &a),
				 FCGI_GOT_ANSWER);
		(void)close(fds[i]); /* it has been answered */
	}
	bytes_free(&b);
}
