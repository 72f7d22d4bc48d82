/* SPDX-License-Identifier: MIT */
/* The change feed: what its triggers report, and what a proof notices. */
#include "strategy/feed.h"
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/enc.h"

enum { PROOFS = 1000, TIMEOUT_MS = 10000, SHORT_MS = 300 };

/* A feed, and what it has reported since the last look. */
struct heard {
	void *feed;
	struct change_sink sink;
	struct feed_conf conf;
	size_t all, sessions, users;
	struct session_id session; /* the last one */
	char user[32]; /* the last one */
};

static void
hear(void *ctx, const struct change *change)
{
	struct heard *h = ctx;

	h->all += change->kind == CHANGE_ALL;
	h->sessions += change->kind == CHANGE_SESSION;
	h->users += change->kind == CHANGE_USER;
	if (change->kind == CHANGE_SESSION)
		h->session = change->session;
	if (change->kind == CHANGE_USER)
		(void)snprintf(h->user, sizeof(h->user), "%.*s",
			       STR_ARG(change->user));
}

static int
try_feed(struct fixture *r, struct heard *h)
{
	h->sink = (struct change_sink){ .changed = hear, .ctx = h };
	h->conf.sink = &h->sink;
	h->conf.wake = -1;
	if (h->conf.timeout_ms == 0)
		h->conf.timeout_ms = TIMEOUT_MS;
	return store_postgres.feed->open(r->store->opened, &h->conf, &h->feed,
					 &r->err);
}

static void
open_feed(struct fixture *r, struct heard *h)
{
	memset(h, 0, sizeof(*h));
	OK(r, try_feed(r, h));
	OK(r, store_postgres.feed->prove(h->feed, &r->err));
	SAME(r, h->all + h->sessions + h->users, 0);
}

static void
prove(struct fixture *r, struct heard *h)
{
	h->all = h->sessions = h->users = 0;
	h->user[0] = '\0';
	OK(r, store_postgres.feed->prove(h->feed, &r->err));
}

static void
close_feed(struct heard *h)
{
	store_postgres.feed->close(h->feed);
}

/* Writes the statement with the id of the session in place of the '@'. */
static void
session_sql(const struct session *s, const char *text, char *sql, size_t n)
{
	char id[HEX_LEN(SESSION_ID_BYTES) + 1] = "";
	const char *at = strchr(text, '@');
	const int before = at != NULL ? (int)(at - text) : (int)strlen(text);

	hex_encode(s->id.b, sizeof(s->id.b), id);
	(void)snprintf(sql, n, "%.*s%s%s", before, text, at != NULL ? id : "",
		       at != NULL ? at + 1 : "");
}

/* The end is acknowledged, and the proof comes right after it. */
START_TEST(a_proof_reports_what_was_committed)
{
	struct fixture *r = fixture_open(0, "");
	PGconn *c = fixture_foreign(r);
	struct heard h;
	char sql[200];

	open_feed(r, &h);
	for (int i = 0; i < PROOFS; i++) {
		struct session s = fixture_create(r);
		bool ended;

		session_sql(&s,
			    "DELETE FROM fcgiauth.sessions WHERE id = '\\x@'",
			    sql, sizeof(sql));
		if (i % 2 == 0)
			foreign_do(c, sql);
		else
			OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended,
					   &r->err));
		prove(r, &h);
		ck_assert_msg(h.sessions == 1 && h.all + h.users == 0 &&
				  memcmp(&h.session, &s.id, sizeof(s.id)) == 0,
			      "the end of session %d was not reported", i);
		arena_reset(r->a);
	}
	close_feed(&h);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

#define WHERE_ID " WHERE id = '\\x@'"
#define CHANGED(set)                                                           \
	{                                                                      \
		"UPDATE fcgiauth.sessions SET " set WHERE_ID, 0, 0, 1          \
	}
#define UNCHANGED(set)                                                         \
	{                                                                      \
		"UPDATE fcgiauth.sessions SET " set WHERE_ID, 0, 0, 0          \
	}

/* What is reported for a statement, with the id of a session for the @. */
static const struct {
	const char *sql;
	size_t all, sessions, users;
} statements[] = {
	{ "DELETE FROM fcgiauth.sessions" WHERE_ID, 0, 1, 0 },
	{ "SET session_replication_role = replica;"
	  " DELETE FROM fcgiauth.sessions" WHERE_ID,
	  0, 1, 0 },
	{ "TRUNCATE fcgiauth.sessions", 1, 0, 0 },
	CHANGED("roles = 'x'"),
	CHANGED("email = 'x'"),
	CHANGED("full_name = 'x'"),
	CHANGED("name = 'eve'"),
	CHANGED("mark = '\\x00112233445566778899aabbccddeeff'"),
	CHANGED("expires_ms = 0"),
	CHANGED("idle_expires_ms = 0"),
	CHANGED("token = id || id"),
	CHANGED("id = substr(token, 1, 16)"),
	UNCHANGED("roles = roles, mark = mark"),
	UNCHANGED("last_seen_ms = 0, idle_expires_ms ="
		  " idle_expires_ms + 1, sweep_ms = 0"),
	UNCHANGED("token = id || id, generation = generation + 1"),
	{ "INSERT INTO fcgiauth.denials VALUES ('user:alice', 1, 2)"
	  " ON CONFLICT (key) DO NOTHING",
	  0, 0, 1 },
	{ "UPDATE fcgiauth.denials SET until_ms = 3", 0, 0, 1 },
	{ "DELETE FROM fcgiauth.denials", 0, 0, 0 },
	{ "INSERT INTO fcgiauth.denials VALUES ('sid:@', 1, 2)", 0, 1, 0 },
	{ "INSERT INTO fcgiauth.denials VALUES (repeat('x', 9600), 1,"
	  " 2)",
	  1, 0, 0 },
	{ "NOTIFY fcgiauth", 1, 0, 0 },
	{ "NOTIFY fcgiauth, 'surprise'", 1, 0, 0 },
	{ "NOTIFY fcgiauth, 's0'", 1, 0, 0 },
	{ "NOTIFY other", 0, 0, 0 },
};

START_TEST(sql_by_hand_is_reported)
{
	struct fixture *r = fixture_open(0, "");
	struct heard h;

	open_feed(r, &h);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		struct session s = fixture_create(r);
		char sql[300];

		session_sql(&s, statements[i].sql, sql, sizeof(sql));
		postgres_server_sql(r->server, sql);
		prove(r, &h);
		ck_assert_msg(h.all == statements[i].all &&
				  h.sessions == statements[i].sessions &&
				  h.users == statements[i].users,
			      "%s: all %zu, sessions %zu, users %zu", sql,
			      h.all, h.sessions, h.users);
		ck_assert_msg(h.users == 0 || strcmp(h.user, "alice") == 0,
			      "%s: user %s", sql, h.user);
		ck_assert_msg(h.sessions == 0 ||
				  memcmp(&h.session, &s.id, sizeof(s.id)) == 0,
			      "%s: another session", sql);
	}
	close_feed(&h);
	fixture_close(r);
}
END_TEST

#define FILL                                                                   \
	"INSERT INTO fcgiauth.sessions (id, token, name, roles, email,"        \
	" full_name, created_ms, last_seen_ms, idle_expires_ms, expires_ms,"   \
	" sweep_ms, remember, address, user_agent, generation) SELECT"         \
	" decode(lpad(to_hex(i), 32, '0'), 'hex'), decode(lpad(to_hex(i), 64," \
	" '0'), 'hex'), 'bob', '', '', '', 1, 1, 1, 1, 1, false, '', '', 0"    \
	" FROM generate_series(1, %d) AS i"

/* Each session of a large statement is reported, up to a number. */
START_TEST(large_statements_are_reported)
{
	static const struct {
		int n;
		size_t all, sessions;
	} rows[] = {
		{ 1, 0, 1 },	     { 240, 0, 240 }, { 241, 0, 241 },
		{ 10000, 0, 10000 }, { 10001, 1, 0 },
	};
	struct fixture *r = fixture_open(0, "");
	struct heard h;
	char sql[700];

	open_feed(r, &h);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(sql, sizeof(sql), FILL, rows[i].n);
		postgres_server_sql(r->server, sql);
		prove(r, &h);
		SAME(r, h.all + h.sessions + h.users, 0);
		/* One notification for each user. */
		postgres_server_sql(r->server, "UPDATE fcgiauth.sessions"
					       " SET roles = 'x'");
		prove(r, &h);
		SAME(r, h.users, 1);
		postgres_server_sql(r->server, "DELETE FROM fcgiauth.sessions");
		prove(r, &h);
		SAME(r, h.all, rows[i].all);
		SAME(r, h.sessions, rows[i].sessions);
	}
	close_feed(&h);
	fixture_close(r);
}
END_TEST

/* What a proof must notice although the connection is good. */
START_TEST(changes_of_the_schema_fail_the_proof)
{
	static const char *const changes[] = {
		"DROP TRIGGER feed_deleted ON fcgiauth.sessions",
		"ALTER TABLE fcgiauth.sessions DISABLE TRIGGER feed_updated",
		"ALTER TABLE fcgiauth.denials DISABLE TRIGGER feed_denied",
		"BEGIN; ALTER TABLE fcgiauth.sessions DISABLE TRIGGER ALL;"
		" DELETE FROM fcgiauth.sessions; ALTER TABLE fcgiauth.sessions"
		" ENABLE ALWAYS TRIGGER feed_deleted, ENABLE ALWAYS TRIGGER"
		" feed_updated, ENABLE ALWAYS TRIGGER feed_truncated; COMMIT",
		"CREATE OR REPLACE FUNCTION fcgiauth.feed_deleted() RETURNS"
		" trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
		"ALTER TABLE fcgiauth.sessions RENAME TO old; CREATE TABLE"
		" fcgiauth.sessions (LIKE fcgiauth.old)",
		"DROP SCHEMA fcgiauth CASCADE",
	};

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct fixture *r = fixture_open(0, "");
		struct heard h;

		open_feed(r, &h);
		postgres_server_sql(r->server, changes[i]);
		ck_assert_msg(store_postgres.feed->prove(h.feed, &r->err) == -1,
			      "%s: the proof passes", changes[i]);
		ck_assert_msg(r->err.code == ERR_UNAVAILABLE, "%s: %s",
			      changes[i], r->err.msg);
		close_feed(&h);
		fixture_close(r);
	}
}
END_TEST

static const char terminate[] =
    "SELECT pg_catalog.pg_terminate_backend(pid)"
    " FROM pg_catalog.pg_stat_activity WHERE query LIKE"
    " '%pg_is_in_recovery%' AND pid <> pg_catalog.pg_backend_pid()";

START_TEST(an_ended_connection_fails)
{
	struct fixture *r = fixture_open(0, "");
	struct heard h;
	int result = 0;

	for (int i = 0; i < 2; i++) {
		open_feed(r, &h);
		postgres_server_sql(r->server, terminate);
		if (i == 0) {
			FAILS(r, store_postgres.feed->prove(h.feed, &r->err),
			      ERR_UNAVAILABLE, "");
		} else {
			while (result == 0)
				result = store_postgres.feed->wait(h.feed,
								   TIMEOUT_MS,
								   &r->err);
			SAME(r, r->err.code, ERR_UNAVAILABLE);
		}
		close_feed(&h);
	}
	fixture_close(r);
}
END_TEST

/* Neither the proof nor a new feed waits for longer than allowed. */
START_TEST(waits_for_a_stopped_server_are_bounded)
{
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct heard h = { .conf.timeout_ms = SHORT_MS };
	struct heard second = h;
	int64_t began;

	OK(r, try_feed(r, &h));
	process_signal_all(&r->server->process, SIGSTOP);
	began = process_now_ms();
	FAILS(r, store_postgres.feed->prove(h.feed, &r->err), ERR_UNAVAILABLE,
	      "no answer within 300 ms");
	HOLDS(r, process_now_ms() - began >= SHORT_MS);
	FAILS(r, try_feed(r, &second), ERR_UNAVAILABLE, "within 150 ms");
	process_signal_all(&r->server->process, SIGCONT);
	close_feed(&h);
	open_feed(r, &h);
	close_feed(&h);
	fixture_close(r);
}
END_TEST

START_TEST(a_host_that_accepts_is_found)
{
	struct fixture *r = fixture_open(0, "");
	char conninfo[400];
	struct heard h = { .conf.conninfo = conninfo };

	(void)snprintf(conninfo, sizeof(conninfo),
		       "host=127.0.0.1,%s,127.0.0.1 port=%d,%d,1 user=postgres"
		       " dbname=postgres target_session_attrs=read-write",
		       r->server->folder, process_free_port(), r->server->port);
	for (int i = 0; i < 3; i++) {
		OK(r, try_feed(r, &h));
		prove(r, &h);
		close_feed(&h);
	}
	fixture_close(r);
}
END_TEST

START_TEST(another_database_is_refused)
{
	struct fixture *r = fixture_open(0, "");
	struct test_postgres other = *r->server;
	struct backend *second;
	struct store_conn *conn;
	struct heard h = { .conf.conninfo = other.conninfo,
			   .conf.timeout_ms = 2000 };

	postgres_server_sql(r->server, "DROP DATABASE IF EXISTS other");
	postgres_server_sql(r->server, "CREATE DATABASE other");
	(void)snprintf(other.conninfo, sizeof(other.conninfo),
		       "host=%s port=%d user=postgres dbname=other",
		       r->server->folder, r->server->port);
	FAILS(r, try_feed(r, &h), ERR_CONFIG, "store migrate");
	fixture_second(r, other.conninfo, &second, &conn);
	OK(r, store_migrate(conn, &r->err));
	FAILS(r, try_feed(r, &h), ERR_CONFIG,
	      "[cache] feed_conninfo must be the database of the store");
	store_conn_free(conn);
	backend_unref(second);
	postgres_server_sql(r->server, "DROP DATABASE other");
	h.conf.conninfo = "nonsense";
	FAILS(r, try_feed(r, &h), ERR_CONFIG, "[cache] feed_conninfo");
	fixture_close(r);
}
END_TEST

/* Servers that have no triggers keep sessions without a feed. */
START_TEST(the_feed_is_optional)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	char advice[BACKEND_ADVICE_MAX];
	struct heard h = { .feed = NULL };
	struct session s;
	bool found;

	postgres_server_sql(
	    r->server,
	    "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE"
	    " plpgsql AS $$ BEGIN RAISE 'there are no triggers' USING"
	    " ERRCODE = '0A000'; END $$; CREATE EVENT TRIGGER refuse ON"
	    " ddl_command_start WHEN TAG IN ('CREATE TRIGGER')"
	    " EXECUTE FUNCTION refuse()");
	OK(r, store_migrate(r->conn, &r->err));
	conn_advise(&r->conn->base, advice);
	ck_assert_str_eq(advice,
			 "the change feed is missing, so that each check asks"
			 " the server: there are no triggers (SQLSTATE"
			 " 0A000)");
	OK(r, store_check_schema(r->conn, &r->err));
	OK(r, store_ping(r->conn, &r->err));
	s = fixture_create(r);
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	FAILS(r, try_feed(r, &h), ERR_CONFIG, "run fcgiauthctl store migrate");
	fixture_stop(r);
	fixture_start(r);
	conn_advise(&r->conn->base, advice);
	ck_assert_str_eq(advice,
			 "the change feed is missing, so that each check asks"
			 " the server: run fcgiauthctl store migrate");

	postgres_server_sql(r->server, "DROP EVENT TRIGGER refuse;"
				       " DROP FUNCTION refuse()");
	OK(r, store_migrate(r->conn, &r->err));
	conn_advise(&r->conn->base, advice);
	ck_assert_str_eq(advice, "");
	open_feed(r, &h);
	/* A missing trigger is made again. */
	postgres_server_sql(r->server, "DROP TRIGGER feed_updated"
				       " ON fcgiauth.sessions");
	OK(r, store_migrate(r->conn, &r->err));
	close_feed(&h);
	open_feed(r, &h);
	close_feed(&h);
	fixture_close(r);
}
END_TEST

static void
wait_for_rows(const struct fixture *r, const char *number)
{
	const int64_t end = process_now_ms() + TIMEOUT_MS;
	char n[16] = "";

	while (strcmp(n, number) != 0 && process_now_ms() < end)
		postgres_server_ask(r->server,
				    "SELECT count(*) FROM fcgiauth.sessions", n,
				    sizeof(n));
	ck_assert_str_eq(n, number);
}

/* A subscription executes the triggers of rows only. */
START_TEST(a_replicated_end_is_reported)
{
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct heard h;
	char text[700];
	PGconn *source;

	postgres_server_sql(r->server, "ALTER SYSTEM SET wal_level = logical");
	fixture_stop(r);
	postgres_server_stop(r->server, SIGINT);
	postgres_server_start(r->server);
	postgres_server_sql(r->server,
			    "CREATE DATABASE source TEMPLATE postgres");
	(void)snprintf(text, sizeof(text), "%s dbname=source",
		       r->server->conninfo);
	source = PQconnectdb(text);
	foreign_do(source, "CREATE PUBLICATION p FOR TABLE fcgiauth.sessions");
	foreign_do(source, "SELECT pg_catalog.pg_create_logical_replication_"
			   "slot('s', 'pgoutput')");
	(void)snprintf(text, sizeof(text),
		       "CREATE SUBSCRIPTION s CONNECTION '%s dbname=source'"
		       " PUBLICATION p WITH (create_slot = false)",
		       r->server->conninfo);
	postgres_server_sql(r->server, text);
	fixture_start(r);
	open_feed(r, &h);
	(void)snprintf(text, sizeof(text), FILL, 1);
	foreign_do(source, text);
	wait_for_rows(r, "1");
	prove(r, &h);
	SAME(r, h.all + h.sessions + h.users, 0);
	foreign_do(source, "DELETE FROM fcgiauth.sessions");
	wait_for_rows(r, "0");
	prove(r, &h);
	SAME(r, h.sessions, 1);
	close_feed(&h);
	PQfinish(source);
	fixture_close(r);
}
END_TEST

TCase *
postgres_feed_cases(void)
{
	TCase *t = new_case("feed");

	tcase_add_test(t, a_proof_reports_what_was_committed);
	tcase_add_test(t, sql_by_hand_is_reported);
	tcase_add_test(t, large_statements_are_reported);
	tcase_add_test(t, a_replicated_end_is_reported);
	tcase_add_test(t, changes_of_the_schema_fail_the_proof);
	tcase_add_test(t, an_ended_connection_fails);
	tcase_add_test(t, waits_for_a_stopped_server_are_bounded);
	tcase_add_test(t, a_host_that_accepts_is_found);
	tcase_add_test(t, another_database_is_refused);
	tcase_add_test(t, the_feed_is_optional);
	return t;
}
