/* SPDX-License-Identifier: MIT */
/* A database that is replaced while connections have it open: each of them goes
 * over to the one to which the path leads. */
#include "strategy/feed.h"
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct session_store_ops store_sqlite;

/* Two databases, `0` and `1`, each with one session. `path` leads to the first
 * one by a link, as an administrator does who restores a backup. */
struct pair {
	struct fixture *r;
	struct session s[2];
	char name[2][100]; /* to what the link leads */
	char link[100];
	char plain[128]; /* the path of the fixture */
};

static void
lead_to(const struct pair *p, int which)
{
	char next[200];

	(void)snprintf(next, sizeof(next), "%s-next", p->link);
	ck_assert_int_eq(symlink(p->name[which], next), 0);
	ck_assert_int_eq(rename(next, p->link), 0);
}

/* Makes both databases, in folders of their own. The link leads to the folder,
 * or else to the database. */
static struct pair
open_pair(bool folder)
{
	struct pair p = { .r = fixture_open() };
	struct fixture *r = p.r;

	fixture_stop(r);
	(void)snprintf(p.plain, sizeof(p.plain), "%s", r->path);
	(void)snprintf(p.link, sizeof(p.link), "%s/%s", r->folder,
		       folder ? "current" : "link.db");
	for (int i = 0; i < 2; i++) {
		(void)snprintf(p.name[i], sizeof(p.name[i]), "%s/%d", r->folder,
			       i);
		ck_assert_int_eq(mkdir(p.name[i], 0700), 0);
		(void)snprintf(p.name[i], sizeof(p.name[i]), "%s/%d/test.db",
			       r->folder, i);
		(void)snprintf(r->path, sizeof(r->path), "%s", p.name[i]);
		fixture_start(r);
		fixture_migrate(r);
		p.s[i] = fixture_create(r);
		if (i == 0)
			fixture_stop(r);
	}
	fixture_stop(r);
	for (int i = 0; folder && i < 2; i++)
		*strrchr(p.name[i], '/') = '\0';
	(void)snprintf(r->path, sizeof(r->path), "%s%s", p.link,
		       folder ? "/test.db" : "");
	lead_to(&p, 0);
	fixture_start(r);
	fixture_migrate(r);
	return p;
}

static void
close_pair(struct pair *p)
{
	static const char *const ends[] = { "/test.db", "/test.db-wal",
					    "/test.db-shm", "" };
	struct fixture *r = p->r;

	(void)unlink(p->link); /* a case may have removed it */
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
			char path[200];

			(void)snprintf(path, sizeof(path), "%s/%d%s", r->folder,
				       i, ends[k]);
			(void)remove(path); /* there may be no WAL */
		}
	}
	(void)snprintf(r->path, sizeof(r->path), "%s", p->plain);
	fixture_close(r);
}

/* Expects answers from one of the databases. */
static void
expect_database(const struct pair *p, int which)
{
	struct fixture *r = p->r;

	for (int i = 0; i < 2; i++) {
		bool found;

		OK(r, fixture_find(r, &p->s[i], &found));
		SAME(r, found, i == which);
	}
}

START_TEST(a_link_to_another_database_is_followed)
{
	struct pair p = open_pair(_i != 0);

	expect_database(&p, 0);
	lead_to(&p, 1);
	fixture_wait(p.r);
	expect_database(&p, 1);
	OK(p.r, users_ping(p.r->users_conn, &p.r->err));
	close_pair(&p);
}
END_TEST

/* It is not lost with the former database. */
START_TEST(a_write_goes_to_where_the_link_leads)
{
	struct pair p = open_pair(_i != 0);
	struct fixture *r = p.r;
	bool ended;

	expect_database(&p, 0);
	lead_to(&p, 1);
	OK(r, store_revoke(r->conn, NOW(r), &p.s[1].id, &ended, &r->err));
	HOLDS(r, ended);
	lead_to(&p, 0);
	OK(r, store_revoke(r->conn, NOW(r), &p.s[1].id, &ended, &r->err));
	HOLDS(r, !ended);
	expect_database(&p, 0);
	close_pair(&p);
}
END_TEST

/* "No such session" would be wrong, and a new database as well. */
START_TEST(a_missing_link_is_waited_for)
{
	struct pair p = open_pair(_i != 0);
	struct fixture *r = p.r;
	struct stat st;
	bool found;

	expect_database(&p, 0);
	ck_assert_int_eq(unlink(p.link), 0);
	fixture_wait(r);
	FAILS(r, fixture_find(r, &p.s[0], &found), ERR_UNAVAILABLE, "is gone");
	ck_assert_int_eq(stat(r->path, &st), -1);
	lead_to(&p, 1);
	fixture_wait(r);
	expect_database(&p, 1);
	close_pair(&p);
}
END_TEST

/* What the next operation writes would be made with it. */
START_TEST(a_secret_of_the_former_database_is_forgotten)
{
	struct pair p = open_pair(_i != 0);
	struct fixture *r = p.r;
	uint8_t first[32] = { 1 }, second[32] = { 2 };

	OK(r, store_secret(r->conn, NOW(r), "x", first, &r->err));
	SAME(r, first[0], 1);
	lead_to(&p, 1);
	OK(r, store_secret(r->conn, NOW(r), "x", second, &r->err));
	SAME(r, second[0], 2);
	close_pair(&p);
}
END_TEST

static void
ignore_change(void *ctx, const struct change *change)
{
	(void)ctx;
	(void)change;
}

static const struct change_sink nobody = { .changed = ignore_change };

static void *
open_feed(struct fixture *r)
{
	const struct feed_conf conf = { .sink = &nobody,
					.timeout_ms = 5000,
					.wake = -1 };
	void *feed;

	OK(r, store_sqlite.feed->open(r->store->opened, &conf, &feed, &r->err));
	return feed;
}

/* Once the feed has noticed it, no connection answers from the former one. */
START_TEST(a_feed_makes_connections_follow_at_once)
{
	struct pair p = open_pair(_i != 0);
	struct fixture *r = p.r;
	void *feed = open_feed(r);

	expect_database(&p, 0);
	lead_to(&p, 1);
	FAILS(r, store_sqlite.feed->prove(feed, &r->err), ERR_UNAVAILABLE,
	      "the file was replaced");
	expect_database(&p, 1);
	store_sqlite.feed->close(feed);
	close_pair(&p);
}
END_TEST

/* The link is replaced while no feed is open. */
START_TEST(connections_follow_a_new_feed_at_once)
{
	struct pair p = open_pair(_i != 0);
	struct fixture *r = p.r;
	void *feed;

	expect_database(&p, 0);
	lead_to(&p, 1);
	feed = open_feed(r);
	expect_database(&p, 1);
	OK(r, store_sqlite.feed->prove(feed, &r->err));
	store_sqlite.feed->close(feed);
	close_pair(&p);
}
END_TEST

/* What was read meanwhile is not from the database of the feed. */
START_TEST(a_link_that_was_elsewhere_fails_the_feed)
{
	struct pair p = open_pair(_i != 0);
	struct fixture *r = p.r;
	void *feed = open_feed(r);

	expect_database(&p, 0);
	lead_to(&p, 1);
	fixture_wait(r);
	expect_database(&p, 1);
	lead_to(&p, 0);
	FAILS(r, store_sqlite.feed->prove(feed, &r->err), ERR_UNAVAILABLE,
	      "another connection has found");
	store_sqlite.feed->close(feed);
	feed = open_feed(r);
	expect_database(&p, 0);
	OK(r, store_sqlite.feed->prove(feed, &r->err));
	store_sqlite.feed->close(feed);
	close_pair(&p);
}
END_TEST

TCase *
sqlite_replaced_cases(void)
{
	TCase *t = new_case("replaced");

	tcase_add_loop_test(t, a_link_to_another_database_is_followed, 0, 2);
	tcase_add_loop_test(t, a_write_goes_to_where_the_link_leads, 0, 2);
	tcase_add_loop_test(t, a_secret_of_the_former_database_is_forgotten, 0,
			    2);
	tcase_add_loop_test(t, a_missing_link_is_waited_for, 0, 2);
	tcase_add_loop_test(t, a_feed_makes_connections_follow_at_once, 0, 2);
	tcase_add_loop_test(t, connections_follow_a_new_feed_at_once, 0, 2);
	tcase_add_loop_test(t, a_link_that_was_elsewhere_fails_the_feed, 0, 2);
	return t;
}
