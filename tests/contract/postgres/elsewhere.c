/* SPDX-License-Identifier: MIT */
/* One name leads to two servers, and the change feed is at one of them. What is
 * read at the other one is not believed. */
#include "strategy/feed.h"
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <unistd.h>

enum { READS = 5 };

/* The servers `here`, which is that of the fixture, and `there`. Both have the
 * same session, of which the second one has changed the roles. The store
 * connects by a link in a folder, which leads to the socket of one of them. */
struct two {
	struct fixture *r;
	struct test_postgres there;
	char folder[64], link[100];
	struct session s;
	void *feed;
	struct change_sink sink;
	int changes, alls;
};

static void
note_change(void *ctx, const struct change *change)
{
	struct two *t = ctx;

	t->changes++;
	t->alls += change->kind == CHANGE_ALL;
}

static void
lead_to(const struct two *t, const struct test_postgres *server)
{
	char next[120], socket[120];

	(void)snprintf(socket, sizeof(socket), "%s/.s.PGSQL.%d", server->folder,
		       server->port);
	(void)snprintf(next, sizeof(next), "%s-next", t->link);
	ck_assert_int_eq(symlink(socket, next), 0);
	ck_assert_int_eq(rename(next, t->link), 0);
}

static void
fill(struct two *t)
{
	struct fixture *r = t->r;
	struct store_conn *conn;
	struct backend *store;

	t->s = fixture_create(r);
	fixture_second(r, t->there.conninfo, &store, &conn);
	OK(r, store_migrate(conn, &r->err));
	OK(r, store_create(conn, NOW(r), &t->s, 0, NULL, &r->err));
	store_conn_free(conn);
	backend_unref(store);
	postgres_server_sql(&t->there,
			    "UPDATE fcgiauth.sessions SET roles = 'there'");
}

static void
open_two(struct two *t)
{
	struct fixture *r = fixture_open(0, "");

	*t = (struct two){ .r = r };
	ck_assert(postgres_server_new(&t->there));
	fill(t);
	fixture_stop(r);
	process_folder(t->folder, sizeof(t->folder));
	(void)snprintf(t->link, sizeof(t->link), "%s/.s.PGSQL.%d", t->folder,
		       r->server->port);
	(void)snprintf(r->conninfo, sizeof(r->conninfo),
		       "host=%s port=%d user=postgres dbname=postgres",
		       t->folder, r->server->port);
	lead_to(t, r->server);
	fixture_start(r);
	t->sink = (struct change_sink){ .changed = note_change, .ctx = t };
	r->store->changes = &t->sink;
}

static void
close_two(struct two *t)
{
	store_postgres.feed->close(t->feed);
	process_remove(t->folder);
	postgres_server_free(&t->there);
	fixture_close(t->r);
}

static void
open_feed_here(struct two *t)
{
	const struct feed_conf conf = { .sink = &t->sink,
					.timeout_ms = 10000,
					.wake = -1 };
	struct fixture *r = t->r;

	lead_to(t, r->server);
	OK(r, store_postgres.feed->open(r->store->opened, &conf, &t->feed,
					&r->err));
}

/* Reads the session, or a denial, which there is not. */
static void
read_session(struct two *t, bool denial, bool there)
{
	const struct str key = STR("user:x");
	const struct denial_question q = { .keys = &key, .n = 1 };
	struct session_answer got;
	struct fixture *r = t->r;
	bool denied;

	t->changes = t->alls = 0;
	if (denial) {
		OK(r, store_denied(r->conn, NOW(r), &q, &denied, &r->err));
		HOLDS(r, !denied);
		return;
	}
	OK(r,
	   store_find(r->conn, NOW(r), &t->s.id, &t->s.token, &got, &r->err));
	HOLDS(r, got.found);
	HOLDS(r, str_eq(got.session.who.roles, STR("there")) == there);
}

/* As after a failover that a connection to the former primary has survived. */
START_TEST(a_connection_from_before_the_feed_follows_it)
{
	struct two t;
	struct fixture *r;

	open_two(&t);
	r = t.r;
	lead_to(&t, &t.there);
	read_session(&t, _i != 0, true);
	SAME(r, t.changes, 0); /* there is no feed */
	open_feed_here(&t);
	/* The connection does not know yet that it is elsewhere. */
	read_session(&t, _i != 0, true);
	SAME(r, t.alls, 1);
	for (int i = 0; i < READS; i++) {
		read_session(&t, _i != 0, false);
		SAME(r, t.changes, 0);
	}
	SAME(r, r->conn->base.connects, 2);
	close_two(&t);
}
END_TEST

/* As with a name that leads to several servers. */
START_TEST(no_answer_from_elsewhere_is_believed)
{
	struct two t;
	struct fixture *r;

	open_two(&t);
	r = t.r;
	open_feed_here(&t);
	lead_to(&t, &t.there);
	for (int i = 0; i < READS; i++) {
		read_session(&t, _i != 0, true);
		SAME(r, t.alls, 1);
	}
	SAME(r, r->conn->base.connects, 1);
	OK(r, store_postgres.feed->prove(t.feed, &r->err));
	close_two(&t);
}
END_TEST

/* The next feed of the process has another lock. */
START_TEST(a_feed_that_is_opened_again_is_found)
{
	struct two t;
	struct fixture *r;

	open_two(&t);
	r = t.r;
	open_feed_here(&t);
	for (int i = 0; i < READS; i++) {
		read_session(&t, _i != 0, false);
		SAME(r, t.changes, 0);
		store_postgres.feed->close(t.feed);
		read_session(&t, _i != 0, false);
		SAME(r, t.changes, 0);
		open_feed_here(&t);
	}
	SAME(r, r->conn->base.connects, 1);
	close_two(&t);
}
END_TEST

TCase *
postgres_elsewhere_cases(void)
{
	TCase *t = new_case("elsewhere");

	tcase_add_loop_test(t, a_connection_from_before_the_feed_follows_it, 0,
			    2);
	tcase_add_loop_test(t, no_answer_from_elsewhere_is_believed, 0, 2);
	tcase_add_loop_test(t, a_feed_that_is_opened_again_is_found, 0, 2);
	return t;
}
