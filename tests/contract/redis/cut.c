/* SPDX-License-Identifier: MIT */
/* The Redis store when a call is interrupted. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* No part of a session is created if the server refuses one part of it. */
START_TEST(create_is_refused_in_between)
{
	static const char *const rights[] = {
		"u:* ~fcgiauth:{??}sessions ~fcgiauth:{??}e*",
		"s:* ~fcgiauth:{??}sessions ~fcgiauth:{??}e*",
		("s:* ~fcgiauth:{??}u:* ~fcgiauth:{??}sessions"
		 " ~fcgiauth:{??}ends"),
	};
	struct fixture *r = fixture_open();
	struct session old = fixture_create(r, "alice", r->now), s;

	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		struct store_conn *conn;
		char line[160];

		(void)snprintf(line, sizeof(line),
			       "ACL SETUSER u reset on >p +@all"
			       " ~fcgiauth:{??}%s",
			       rights[i]);
		test_redis_do(&r->server, line);
		conn = fixture_conn(r, "fcgiauth:", "u", "p");
		s = fixture_session(r, "alice", r->now + 1);
		FAILS(r, store_create(conn, NOW(r), &s, 1, NULL, &r->err),
		      ERR_UNAVAILABLE, "see the ACL");
		fixture_conn_end(conn);
		HOLDS(r, !fixture_is_alive(r, &s, r->now));
		HOLDS(r, fixture_is_alive(r, &old, r->now));
		SAME(r, fixture_live(r, "alice", r->now), 1);
	}
	(void)fixture_sweep(r, r->now + 99999);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* A touch arrives after the end that it moves. A session that did not count
 * for the limit any more must stay revocable. */
START_TEST(touched_when_it_took_no_room)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now), next;
	int64_t n;

	next = fixture_session(r, "alice", s.idle_expires_ms);
	OK(r, store_create(r->conn, AT(r, s.idle_expires_ms), &next, 1, &n,
			   &r->err));
	SAME(r, n, 0);
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, s.idle_expires_ms - 1,
				s.idle_expires_ms + 3599),
			  &r->err));
	SAME(r, fixture_live(r, "alice", s.idle_expires_ms),
	     1 + fixture_is_alive(r, &s, s.idle_expires_ms));
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	HOLDS(r, !fixture_is_alive(r, &s, s.idle_expires_ms));
	HOLDS(r, !fixture_is_alive(r, &next, s.idle_expires_ms));
	(void)fixture_sweep(r, r->now + 99999);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* A session is ended even if its entries cannot be deleted. */
START_TEST(revoke_without_the_indices)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct store_conn *conn;
	bool ended = false;

	test_redis_do(&r->server, "ACL SETUSER u on >p +@all -zrem"
				  " ~fcgiauth:*");
	conn = fixture_conn(r, "fcgiauth:", "u", "p");
	OK(r, store_revoke(conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, ended);
	HOLDS(r, !fixture_is_alive(r, &s, r->now));
	SAME(r, fixture_live(r, "alice", r->now), 0);
	fixture_conn_end(conn);
	(void)fixture_sweep(r, r->now + 99999);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* What the server refuses to read is neither left out of a list nor swept. */
START_TEST(refused_to_read)
{
	static const struct attempt_policy policy = { .max = 1,
						      .window_ms = 100,
						      .ban_ms = 9000 };
	const struct str key = STR("k");
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list = { .n = 7 };
	struct attempt attempt;
	struct store_conn *conn;
	int64_t n, until = 0;

	for (int i = 0; i < 2; i++)
		OK(r, store_attempt(r->conn, NOW(r), key, &policy, &attempt,
				    &r->err));
	ck_assert_int_gt(attempt.banned_until_ms, 0);
	test_redis_do(&r->server, "ACL SETUSER u on >p +@all ~fcgiauth:*");
	conn = fixture_conn(r, "fcgiauth:", "u", "p");
	test_redis_do(&r->server, "ACL SETUSER u -getrange");
	FAILS(r,
	      store_list(conn, NOW(r), LISTED((struct str){ .p = NULL }, 9),
			 &cursor, &list, &r->err),
	      ERR_UNAVAILABLE, "ACL");
	SAME(r, list.n, 7);
	fixture_forgive(r);
	FAILS(r, store_sweep(conn, AT(r, r->now + 101), 9, &n, &r->err),
	      ERR_UNAVAILABLE, "ACL");
	fixture_conn_end(conn);
	OK(r,
	   ask_ban(r->conn, AT(r, r->now + 101), key, 9000, &until, &r->err));
	SAME(r, until, attempt.banned_until_ms);
	HOLDS(r, fixture_is_alive(r, &s, r->now));
	fixture_close(r);
}
END_TEST

/* Relays bytes, and closes both connections after some. */
struct cutter {
	int listener, client, server;
	char path[96];
	const char *target;
	long left[2]; /* to the server, to the client */
	/* Is called before more bytes go to the server. */
	void (*before)(void *ctx);
	void *ctx;
	pthread_t thread;
};

static void
relay(struct cutter *c)
{
	const int fds[2] = { c->client, c->server };

	for (;;) {
		struct pollfd p[2] = { { .fd = fds[0], .events = POLLIN },
				       { .fd = fds[1], .events = POLLIN } };

		if (poll(p, 2, 20000) <= 0)
			return;
		for (int i = 0; i < 2; i++) {
			char buf[4096];
			ssize_t n;

			if (p[i].revents == 0)
				continue;
			n = recv(fds[i], buf, sizeof(buf), 0);
			if (n <= 0)
				return;
			if (n > c->left[i])
				n = c->left[i];
			c->left[i] -= n;
			if (i == 0 && c->before != NULL)
				c->before(c->ctx);
			if (send(fds[!i], buf, (size_t)n, MSG_NOSIGNAL) != n ||
			    c->left[i] == 0)
				return;
		}
	}
}

static struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	return at;
}

static void *
cut_one(void *arg)
{
	struct cutter *c = arg;
	const struct sockaddr_un at = address(c->target);

	c->client = accept(c->listener, NULL, NULL);
	(void)close(c->listener); /* a second connection is refused */
	c->server = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->client >= 0 && c->server >= 0 &&
	    connect(c->server, (const struct sockaddr *)&at, sizeof(at)) == 0)
		relay(c);
	(void)close(c->client);
	(void)close(c->server);
	return NULL;
}

/* Calls fn on a connection that goes through c. */
static int
by_way_of(struct fixture *r, struct cutter *by,
	  int (*fn)(struct fixture *r, struct store_conn *conn, void *ctx),
	  void *ctx)
{
	struct test_redis real = r->server;
	struct cutter c = *by;
	struct sockaddr_un at;
	struct store_conn *conn;
	int result;

	(void)snprintf(c.path, sizeof(c.path), "%s/cut", r->server.folder);
	(void)unlink(c.path);
	at = address(c.path);
	c.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert(c.listener >= 0);
	ck_assert(bind(c.listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		  listen(c.listener, 1) == 0);
	ck_assert(pthread_create(&c.thread, NULL, cut_one, &c) == 0);
	(void)snprintf(r->server.url, sizeof(r->server.url), "unix://%s",
		       c.path);
	conn = fixture_conn(r, "fcgiauth:", NULL, NULL);
	result = fn(r, conn, ctx);
	fixture_conn_end(conn);
	r->server = real;
	ck_assert(pthread_join(c.thread, NULL) == 0);
	return result;
}

/* Calls fn on a connection that is cut after `bytes` to the server, or from the
 * server if `answers`. */
static int
cut(struct fixture *r, bool answers, long bytes,
    int (*fn)(struct fixture *r, struct store_conn *conn, void *ctx), void *ctx)
{
	struct cutter c = { .target = r->server.socket,
			    .left = { answers ? 1 << 20 : bytes,
				      answers ? bytes : 1 << 20 } };

	return by_way_of(r, &c, fn, ctx);
}

/* Returns how many bytes more each try gets. Replies are shorter than
 * commands. */
static long
step(bool answers)
{
	return answers ? 3 : 17;
}

static int
create_one(struct fixture *r, struct store_conn *conn, void *ctx)
{
	return store_create(conn, NOW(r), ctx, 2, NULL, &r->err);
}

static void
create_cut_anywhere(struct fixture *r, bool answers)
{
	static struct session all[1000];
	int64_t n;
	int made = 0, result;

	for (long bytes = 1;; bytes += step(answers)) {
		struct session *s = &all[made++];

		ck_assert_int_lt(made, (int)ARRAY_LEN(all));
		*s = fixture_session(r, "alice", r->now + made);
		result = cut(r, answers, bytes, create_one, s);
		if (result == 0)
			break;
		SAME(r, r->err.code, ERR_UNAVAILABLE);
		HOLDS(r, fixture_live(r, "alice", r->now) <= 2);
		HOLDS(r, fixture_live(r, NULL, r->now) <= made);
		arena_reset(r->a);
		if (made % 5 != 0)
			continue;
		/* revoke_user() ends the sessions of interrupted calls too. */
		OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n,
					&r->err));
		for (int i = 0; i < made; i++)
			HOLDS(r, !fixture_is_alive(r, &all[i], r->now));
	}
	ck_assert_int_gt(made, 10);
	HOLDS(r, fixture_is_alive(r, &all[made - 1], r->now));
	(void)fixture_sweep(r, r->now + 99999);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
}

START_TEST(create_is_cut)
{
	struct fixture *r = fixture_open();

	create_cut_anywhere(r, _i == 1);
	fixture_close(r);
}
END_TEST

struct rotation_retry {
	struct rotation use;
	struct rotated is; /* before the rotation, only the session is set */
};

static int
rotate_one(struct fixture *r, struct store_conn *conn, void *ctx)
{
	struct rotation_retry *t = ctx;

	t->use.id = t->is.session.id;
	return store_rotate(conn, NOW(r), &t->use, &t->is, &r->err);
}

/* A client that got no reply repeats its request. */
START_TEST(rotate_is_cut)
{
	struct fixture *r = fixture_open();
	int tries = 0, graces = 0, result;

	do {
		struct rotation_retry t = {
			.is.session = fixture_create(r, "alice", r->now)
		};
		struct session before = t.is.session;

		t.use = fixture_rotation(r, &t.is.session);
		result = cut(r, _i == 1, 1 + step(_i == 1) * tries++,
			     rotate_one, &t);
		if (result != 0) {
			SAME(r, r->err.code, ERR_UNAVAILABLE);
			OK(r, rotate_one(r, r->conn, &t));
			HOLDS(r, t.is.answer == ROTATE_DONE ||
				     t.is.answer == ROTATE_GRACE);
			graces += t.is.answer == ROTATE_GRACE;
		}
		HOLDS(r, memcmp(&t.is.session.token, &t.use.next, 32) == 0);
		HOLDS(r, fixture_is_alive(r, &t.is.session, r->now));
		HOLDS(r, !fixture_is_alive(r, &before, r->now));
	} while (result != 0);
	ck_assert_int_gt(tries, 10);
	/* A script that is received in part is not executed. */
	HOLDS(r, _i == 1 ? graces > 2 : graces == 0);
	(void)fixture_sweep(r, r->now + 99999);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

static int
revoke_one(struct fixture *r, struct store_conn *conn, void *ctx)
{
	const struct session *s = ctx;
	bool ended;

	return store_revoke(conn, NOW(r), &s->id, &ended, &r->err);
}

START_TEST(revoke_is_cut)
{
	struct fixture *r = fixture_open();
	int tries = 0, result;

	do {
		struct session s = fixture_create(r, "alice", r->now);

		result = cut(r, _i == 1, 1 + step(_i == 1) * tries++,
			     revoke_one, &s);
		if (result != 0)
			OK(r, revoke_one(r, r->conn, &s));
		HOLDS(r, !fixture_is_alive(r, &s, r->now));
		SAME(r, fixture_live(r, "alice", r->now), 0);
		arena_reset(r->a);
	} while (result != 0);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* Adds a denial again, at a step of a sweep that deletes the expired one. */
struct denier {
	struct fixture *r;
	struct store_conn *conn;
	int step, at;
	int result;
	struct err err;
};

static void
deny_at_step(void *ctx)
{
	struct denier *d = ctx;

	if (d->step++ == d->at)
		d->result = store_deny(d->conn, CALL_AT(d->r->a, 0),
				       DENIAL(STR("user:a"), d->r->now,
					      d->r->now + 5000),
				       &d->err);
}

static int
sweep_one(struct fixture *r, struct store_conn *conn, void *ctx)
{
	int64_t n;

	(void)ctx;
	return store_sweep(conn, AT(r, r->now + 10), 100, &n, &r->err);
}

/* A denial holds at whatever step it comes, and is swept when it is over. */
START_TEST(denied_while_it_is_swept)
{
	const struct str key = STR("user:a");
	struct fixture *r = fixture_open();
	struct denier d = { .r = r, .result = 1 };
	bool denied;

	d.conn = fixture_conn(r, "fcgiauth:", NULL, NULL);
	for (d.at = 0; d.result != -1; d.at++) {
		struct cutter c = { .target = r->server.socket,
				    .left = { 1 << 20, 1 << 20 },
				    .before = deny_at_step,
				    .ctx = &d };

		OK(r, store_deny(r->conn, NOW(r),
				 DENIAL(key, r->now, r->now + 5), &r->err));
		d.step = 0;
		d.result = -1; /* the sweep has no such step */
		OK(r, by_way_of(r, &c, sweep_one, NULL));
		OK(r, store_denied(r->conn, AT(r, r->now + 4999),
				   ASKED(&key, 1, r->now), &denied, &r->err));
		ck_assert_msg(denied == (d.result == 0), "step %d", d.at);
		(void)fixture_sweep(r, r->now + 5000);
		SAME(r, fixture_redis(r, "DBSIZE"), 0);
	}
	ck_assert_int_gt(d.at, 4);
	fixture_conn_end(d.conn);
	fixture_close(r);
}
END_TEST

TCase *
redis_cut_cases(void)
{
	TCase *t = new_case("cut");

	tcase_add_test(t, create_is_refused_in_between);
	tcase_add_test(t, touched_when_it_took_no_room);
	tcase_add_test(t, revoke_without_the_indices);
	tcase_add_test(t, refused_to_read);
	tcase_add_loop_test(t, create_is_cut, 0, 2);
	tcase_add_loop_test(t, rotate_is_cut, 0, 2);
	tcase_add_loop_test(t, revoke_is_cut, 0, 2);
	tcase_add_test(t, denied_while_it_is_swept);
	return t;
}
