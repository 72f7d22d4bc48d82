/* SPDX-License-Identifier: MIT */
/* A connection that ended while it was idle has no visible effect. The server,
 * a connection pooler or a firewall may end one at any time. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/postgres/conn_internal.h"

#define IDLE_CHECKS 200
#define IDLE_LOGINS 50

/* Returns the pid of the backend whose connection has this name, or 0. */
static int
backend_of(PGconn *c, const char *name)
{
	char sql[200];
	PGresult *r;
	int pid = 0;

	(void)snprintf(sql, sizeof(sql),
		       "SELECT pid FROM pg_catalog.pg_stat_activity"
		       " WHERE application_name = '%s'",
		       name);
	r = PQexec(c, sql);
	ck_assert_msg(PQresultStatus(r) == PGRES_TUPLES_OK, "%s",
		      PQerrorMessage(c));
	if (PQntuples(r) > 0)
		pid = (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return pid;
}

/* Ends the connections and returns when they are gone. The server itself would
 * check only ten times a second. */
static void
end_idle(PGconn *c, const char *name)
{
	int64_t until_ms = process_now_ms() + 20000;
	char sql[250];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT pg_catalog.pg_terminate_backend(pid)"
		       " FROM pg_catalog.pg_stat_activity"
		       " WHERE application_name = '%s'",
		       name);
	foreign_do(c, sql);
	while (backend_of(c, name) != 0)
		ck_assert_int_lt(process_now_ms(), until_ms);
}

START_TEST(a_check_survives_a_lost_connection)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);
	PGconn *c = fixture_foreign(r);
	bool found;

	for (int i = 0; i < IDLE_CHECKS; i++) {
		end_idle(c, "fcgiauth");
		OK(r, fixture_find(r, &s, &found));
		HOLDS(r, found);
		arena_reset(r->a);
	}
	PQfinish(c);
	fixture_close(r);
}
END_TEST

/* Every write of a sign-in, and other writes that must not happen twice. */
START_TEST(a_sign_in_survives_lost_connections)
{
	const struct attempt_policy policy = { .max = 3,
					       .window_ms = 1000,
					       .ban_ms = 1000 };
	struct fixture *r = fixture_open(0, "");
	PGconn *c = fixture_foreign(r);
	const struct login_keys keys = { .v = { { STR("user:alice"), 3 },
						{ STR("addr:192.0.2.1"), 3 } },
					 .n = 2,
					 .window_ms = 1000,
					 .ban_ms = 1000 };
	struct login_success success = { .key = keys.v[0].key, .n = 1 };
	struct login_count count;
	struct attempt attempt;
	int64_t ended;
	bool was;

	for (int i = 0; i < IDLE_LOGINS; i++) {
		struct session s;

		end_idle(c, "fcgiauth");
		OK(r, store_count(r->conn, NOW(r), &keys, &count, &r->err));
		HOLDS(r, count.counted && count.v[1].count == 1);
		success.v[0] =
		    (struct login_taken){ .key = keys.v[1].key,
					  .ends_ms = count.v[1].ends_ms };
		end_idle(c, "fcgiauth");
		OK(r, store_succeed(r->conn, NOW(r), &success, &r->err));
		end_idle(c, "fcgiauth");
		OK(r, store_attempt(r->conn, NOW(r), STR("user:alice"), &policy,
				    &attempt, &r->err));
		SAME(r, attempt.banned_until_ms, 0);
		end_idle(c, "fcgiauth");
		s = fixture_create(r);
		end_idle(c, "fcgiauth");
		OK(r, store_reset_attempts(r->conn, NOW(r), STR("user:alice"),
					   &was, &r->err));
		end_idle(c, "fcgiauth");
		OK(r, store_revoke(r->conn, NOW(r), &s.id, &was, &r->err));
		HOLDS(r, was);
	}
	end_idle(c, "fcgiauth");
	OK(r, store_revoke_all(r->conn, NOW(r), &ended, &r->err));
	SAME(r, ended, 0);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

/* A notification or a notice is no end of the connection. */
/* A notification, or a notice, is no end of the connection. */
START_TEST(a_notification_ends_no_connection)
{
	struct fixture *r = fixture_open(0, "");
	PGconn *c = fixture_foreign(r);
	struct bare b;
	struct pollfd p;
	int64_t none;

	bare_open(r, NULL, 0, &b);
	OK(r, postgres_change(b.pg, "LISTEN told", NULL, 0, &none, &r->err));
	foreign_do(c, "NOTIFY told");
	p = (struct pollfd){ .fd = PQsocket(b.pg->conn), .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 20000), 1);
	ck_assert(!postgres_is_lost(b.pg, false));
	bare_close(&b);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

START_TEST(other_connections_stay_in_use)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);
	struct session_answer got;
	PGconn *c = fixture_foreign(r);
	struct store_conn *second = store_conn_new(&r->fake.env);
	int pid;

	ck_assert_ptr_nonnull(second);
	store_conn_bind(second, r->store);
	end_idle(c, "fcgiauth");
	OK(r, store_find(second, NOW(r), &s.id, &s.token, &got, &r->err));
	pid = backend_of(c, "fcgiauth");
	OK(r, fixture_find(r, &s, &got.found));
	OK(r, store_find(second, NOW(r), &s.id, &s.token, &got, &r->err));
	end_idle(c, "fcgiauth");
	/* Both connections are lost now. The second gets a new one. The first
	 * notices its own loss and does not affect the second. */
	OK(r, store_find(second, NOW(r), &s.id, &s.token, &got, &r->err));
	ck_assert_int_ne(pid, backend_of(c, "fcgiauth"));
	pid = backend_of(c, "fcgiauth");
	OK(r, fixture_find(r, &s, &got.found));
	OK(r, store_find(second, NOW(r), &s.id, &s.token, &got, &r->err));
	ck_assert_int_eq(kill(pid, 0), 0);
	store_conn_free(second);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

START_TEST(an_idle_timeout_of_the_server_has_no_effect)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);
	struct session_answer got;
	PGconn *c = fixture_foreign(r);
	struct backend *store;
	struct store_conn *conn;
	char conninfo[500];
	bool ended;

	(void)snprintf(conninfo, sizeof(conninfo),
		       "%s application_name=idler options='-c"
		       " idle_session_timeout=200'",
		       r->conninfo);
	fixture_second(r, conninfo, &store, &conn);
	for (int i = 0; i < 5 && PQserverVersion(c) >= 140000; i++) {
		int64_t until_ms = process_now_ms() + 20000;

		OK(r, store_find(conn, NOW(r), &s.id, &s.token, &got, &r->err));
		HOLDS(r, got.found);
		while (backend_of(c, "idler") != 0)
			ck_assert_int_lt(process_now_ms(), until_ms);
	}
	if (PQserverVersion(c) >= 140000)
		OK(r, store_revoke(conn, NOW(r), &s.id, &ended, &r->err));
	store_conn_free(conn);
	backend_unref(store);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

/* The server sends this error to a statement after its idle timeout. */
START_TEST(an_idle_timeout_is_an_undone_statement)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct bare b;
	int64_t n;

	bare_open(r, NULL, 0, &b);
	FAILS(r,
	      postgres_change(b.pg,
			      "DO $$ BEGIN RAISE EXCEPTION 'idle' USING"
			      " ERRCODE = '57P05'; END $$",
			      NULL, 0, &n, &r->err),
	      ERR_UNDONE, "57P05");
	bare_close(&b);
	fixture_close(r);
}
END_TEST

/* The server ends the connection between the two statements of an attempt that
 * is not counted: the first one is done and must not be repeated. */
START_TEST(a_half_done_count_is_not_repeated)
{
	const struct login_keys keys = { .v = { { STR("user:alice"), 0 } },
					 .n = 1,
					 .window_ms = 1000,
					 .ban_ms = 1000 };
	struct fixture *r = fixture_open(0, "");
	struct login_count count = { .standing.known_until_ms = 7 };
	char n[24];

	postgres_server_sql(
	    r->server,
	    "CREATE FUNCTION fcgiauth.idle() RETURNS trigger"
	    " LANGUAGE plpgsql AS $$ BEGIN"
	    " RAISE EXCEPTION 'idle' USING ERRCODE = '57P05'; END $$;"
	    "CREATE TRIGGER idle BEFORE UPDATE ON fcgiauth.attempts"
	    " FOR EACH ROW WHEN (NEW.count < OLD.count)"
	    " EXECUTE FUNCTION fcgiauth.idle()");
	FAILS(r, store_count(r->conn, NOW(r), &keys, &count, &r->err),
	      ERR_UNAVAILABLE, "57P05");
	SAME(r, count.standing.known_until_ms, 7);
	postgres_server_ask(r->server, "SELECT count FROM fcgiauth.attempts", n,
			    sizeof(n));
	ck_assert_str_eq(n, "1");
	fixture_close(r);
}
END_TEST

/* The other side is gone without a sign: a stopped backend receives bytes and
 * does not answer. New connections work. */
START_TEST(a_silent_connection_is_replaced)
{
	const struct attempt_policy policy = { .max = 0,
					       .window_ms = 1000,
					       .ban_ms = 1000 };
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct session s = fixture_create(r), second;
	PGconn *c = fixture_foreign(r);
	struct attempt attempt = { .count = 0 };
	bool found;
	int pid;

	r->timeout = 1;
	fixture_stop(r);
	fixture_start(r);
	for (int i = 0; i < 3; i++) {
		OK(r, fixture_find(r, &s, &found));
		HOLDS(r, found);
		pid = backend_of(c, "fcgiauth");
		ck_assert_int_eq(kill(pid, SIGSTOP), 0);
		if (i == 0)
			OK(r, fixture_find(r, &s, &found));
		else if (i == 1)
			second = fixture_create(r);
		else
			OK(r, store_attempt(r->conn, NOW(r), STR("user:a"),
					    &policy, &attempt, &r->err));
		ck_assert_int_eq(kill(pid, SIGCONT), 0);
		/* The old backend must not be taken for its successor. */
		while (kill(pid, 0) == 0)
			process_sleep_ms(10);
	}
	SAME(r, attempt.banned_until_ms, r->now + 1000);
	OK(r, fixture_find(r, &second, &found));
	HOLDS(r, found);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

START_TEST(users_survive_a_lost_connection)
{
	static const char *const queries[] = {
		"", "SELECT 'alice' AS name, '$x' AS password_hash"
		    " WHERE $1 = 'alice'"
	};
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	PGconn *c = fixture_foreign(r);

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		struct backend *u = fixture_users(r, queries[i]);
		struct users_conn *conn = users_conn_new(&r->fake.env);
		struct user user = { .who = { .name = STR("alice") },
				     .hash = STR("$x") };
		struct user_answer is = { .found = false };
		enum user_change change;

		ck_assert_ptr_nonnull(conn);
		users_conn_bind(conn, u);
		if (i == 0) {
			OK(r, users_migrate(conn, &r->err));
			end_idle(c, "fcgiauth");
			OK(r, users_add(conn, CALL_AT(r->a, 1000), &user,
					&change, &r->err));
			SAME(r, change, USER_CHANGED);
		}
		for (int k = 0; k < 20; k++) {
			end_idle(c, "fcgiauth");
			OK(r, users_find(conn, CALL_AT(r->a, 0), STR("alice"),
					 &is, &r->err));
			HOLDS(r, is.found);
		}
		users_conn_free(conn);
		backend_unref(u);
	}
	PQfinish(c);
	fixture_close(r);
}
END_TEST

TCase *
postgres_idle_cases(void)
{
	TCase *t = new_case("idle");

	tcase_add_test(t, a_check_survives_a_lost_connection);
	tcase_add_test(t, a_sign_in_survives_lost_connections);
	tcase_add_test(t, a_notification_ends_no_connection);
	tcase_add_test(t, other_connections_stay_in_use);
	tcase_add_test(t, an_idle_timeout_of_the_server_has_no_effect);
	tcase_add_test(t, an_idle_timeout_is_an_undone_statement);
	tcase_add_test(t, a_half_done_count_is_not_repeated);
	tcase_add_test(t, a_silent_connection_is_replaced);
	tcase_add_test(t, users_survive_a_lost_connection);
	return t;
}
