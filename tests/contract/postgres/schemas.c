/* SPDX-License-Identifier: MIT */
/* The schema: who may create and use it, and schemas of other programs. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_missing_schema_names_the_command)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct schema_state state;
	struct session s = { .remember = false };
	bool found;

	OK(r, store_schema(r->conn, &state, &r->err));
	SAME(r, state.have, 0);
	HOLDS(r, state.want > 0);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE,
	      "fcgiauth.sessions");
	fixture_wait(r);
	FAILS(r, store_check_schema(r->conn, &r->err), ERR_CONFIG,
	      "run fcgiauthctl store migrate");
	FAILS(r, fixture_find(r, &s, &found), ERR_CONFIG, "store migrate");
	/* The store notices that another program has migrated it. */
	{
		struct backend *second;
		struct store_conn *conn;

		fixture_second(r, r->conninfo, &second, &conn);
		OK(r, store_migrate(conn, &r->err));
		store_conn_free(conn);
		backend_unref(second);
	}
	fixture_wait(r);
	s = fixture_create(r);
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	fixture_close(r);
}
END_TEST

static int
migrate_in_a_process(struct fixture *r)
{
	struct schema_state state;
	int result = 1;

	fixture_start(r);
	if (store_migrate(r->conn, &r->err) != 0 ||
	    store_schema(r->conn, &state, &r->err) != 0 ||
	    state.have != state.want) {
		(void)fprintf(stderr, "%s\n", r->err.msg);
		result = 2;
	}
	fixture_stop(r);
	return result;
}

START_TEST(processes_can_migrate_at_once)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	pid_t pids[6];
	int status;

	fixture_stop(r);
	for (int round = 0; round < 8; round++) {
		postgres_server_sql(r->server,
				    "DROP SCHEMA IF EXISTS fcgiauth CASCADE");
		for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
			pids[i] = fork();
			ck_assert_int_ge(pids[i], 0);
			if (pids[i] == 0)
				_exit(migrate_in_a_process(r));
		}
		for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
			ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
			HOLDS(r, WIFEXITED(status) && WEXITSTATUS(status) == 1);
		}
	}
	fixture_start(r);
	OK(r, store_check_schema(r->conn, &r->err));
	(void)fixture_create(r);
	fixture_close(r);
}
END_TEST

static const char roles[] =
    "DROP DATABASE IF EXISTS shared;"
    "DROP ROLE IF EXISTS ddl; DROP ROLE IF EXISTS dml;"
    "CREATE ROLE ddl LOGIN; CREATE ROLE dml LOGIN;"
    "CREATE DATABASE shared; GRANT CREATE ON DATABASE shared TO ddl";

static const char granted[] =
    "GRANT USAGE ON SCHEMA fcgiauth TO dml;"
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fcgiauth"
    " TO dml";

static void
run_each(const struct test_postgres *p, const char *sql)
{
	char text[400], *rest = text, *one;

	(void)snprintf(text, sizeof(text), "%s", sql);
	/* CREATE DATABASE must be a single statement. */
	for (one = strsep(&rest, ";"); one != NULL; one = strsep(&rest, ";"))
		postgres_server_sql(p, one);
}

/* As the manual says: one role creates the tables, and the role of the daemon
 * uses them. */
START_TEST(the_role_of_the_daemon_creates_nothing)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct test_postgres inside = *r->server;
	struct backend *ddl, *dml;
	struct store_conn *maker, *user;
	struct schema_state state;
	uint8_t secret[32] = { 1 };
	struct session s;
	int64_t n;
	char as[160];

	run_each(r->server, roles);
	(void)snprintf(as, sizeof(as), "host=%s port=%d dbname=shared user=ddl",
		       r->server->folder, r->server->port);
	(void)snprintf(inside.conninfo, sizeof(inside.conninfo), "%s", as);
	fixture_second(r, as, &ddl, &maker);
	as[strlen(as) - 2] = 'm';
	fixture_second(r, as, &dml, &user);

	OK(r, store_schema(user, &state, &r->err));
	SAME(r, state.have, 0);
	FAILS(r, store_migrate(user, &r->err), ERR_CONFIG, "permission denied");
	OK(r, store_migrate(maker, &r->err));
	FAILS(r, store_check_schema(user, &r->err), ERR_UNAVAILABLE,
	      "permission denied for schema fcgiauth");
	postgres_server_sql(&inside, granted);
	fixture_wait(r);
	OK(r, store_check_schema(user, &r->err));
	OK(r, store_ping(user, &r->err));
	OK(r, store_migrate(user, &r->err)); /* nothing to do */
	store_conn_free(r->conn);
	r->conn = user;
	s = fixture_create(r);
	OK(r, store_touch(user, NOW(r), TOUCH(s.id, r->now + 1, r->now + 70000),
			  &r->err));
	OK(r, store_secret(user, NOW(r), "csrf", secret, &r->err));
	OK(r, store_deny(user, NOW(r), DENIAL(STR("sid:x"), r->now, r->now + 1),
			 &r->err));
	OK(r,
	   store_create(user, NOW(r), &(struct session){ .who.name = STR("b") },
			3, &n, &r->err));
	OK(r, store_sweep(user, AT(r, r->now + 90000), 100, &n, &r->err));
	HOLDS(r, n > 0);

	store_conn_free(maker);
	backend_unref(ddl);
	store_conn_bind(r->conn, r->store);
	backend_unref(dml);
	run_each(r->server,
		 "DROP DATABASE shared; DROP ROLE ddl; DROP ROLE dml");
	fixture_close(r);
}
END_TEST

/* Each right that a sign-in, a rotation, a sign-out or the sweep needs is
 * removed by itself. */
START_TEST(ping_needs_every_right)
{
	static const struct {
		const char *table, *rights; /* blank separated */
	} rows[] = {
		{ "sessions", "SELECT INSERT UPDATE DELETE" },
		{ "limits", "SELECT INSERT UPDATE DELETE" },
		{ "attempts", "SELECT INSERT UPDATE DELETE" },
		{ "denials", "SELECT INSERT UPDATE DELETE" },
		{ "known_networks", "SELECT INSERT UPDATE DELETE" },
		{ "secrets", "SELECT INSERT" },
	};
	struct fixture *r = fixture_open(0, "");
	struct store_conn *conn;
	struct backend *s;
	char sql[256], as[440], denied[80];
	struct str left, right;

	postgres_server_sql(r->server,
			    "CREATE ROLE least;"
			    " GRANT USAGE ON SCHEMA fcgiauth TO least");
	(void)snprintf(as, sizeof(as), "%s options='-c role=least'",
		       r->conninfo);
	fixture_second(r, as, &s, &conn);
	postgres_server_sql(r->server,
			    "GRANT SELECT ON fcgiauth.schema_version"
			    " TO least; GRANT SELECT, INSERT ON"
			    " fcgiauth.secrets TO least;"
			    " GRANT SELECT, INSERT, UPDATE, DELETE ON"
			    " fcgiauth.sessions, fcgiauth.limits,"
			    " fcgiauth.attempts, fcgiauth.denials,"
			    " fcgiauth.known_networks TO least");
	OK(r, store_ping(conn, &r->err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		left = str_from(rows[i].rights);
		(void)snprintf(denied, sizeof(denied),
			       "permission denied for table %s", rows[i].table);
		while (str_word(&left, &right)) {
			(void)snprintf(sql, sizeof(sql),
				       "REVOKE %.*s ON fcgiauth.%s FROM least",
				       STR_ARG(right), rows[i].table);
			postgres_server_sql(r->server, sql);
			ck_assert_msg(store_ping(conn, &r->err) == -1, "%s",
				      sql);
			ck_assert_msg(strstr(r->err.msg, denied) != NULL,
				      "%s: %s", sql, r->err.msg);
			(void)snprintf(sql, sizeof(sql),
				       "GRANT %.*s ON fcgiauth.%s TO least",
				       STR_ARG(right), rows[i].table);
			postgres_server_sql(r->server, sql);
			fixture_wait(r);
			OK(r, store_ping(conn, &r->err));
		}
	}
	store_conn_free(conn);
	backend_unref(s);
	postgres_server_sql(r->server, "DROP OWNED BY least; DROP ROLE least");
	fixture_close(r);
}
END_TEST

START_TEST(newer_schema_is_refused)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);
	bool found;

	postgres_server_sql(r->server, "UPDATE fcgiauth.schema_version"
				       " SET version = version + 90");
	fixture_stop(r);
	fixture_start(r);
	FAILS(r, store_check_schema(r->conn, &r->err), ERR_CONFIG,
	      "newer than this program");
	FAILS(r, store_migrate(r->conn, &r->err), ERR_CONFIG,
	      "newer than this program");
	postgres_server_sql(r->server, "UPDATE fcgiauth.schema_version"
				       " SET version = version - 90");
	fixture_stop(r);
	fixture_start(r);
	OK(r, store_check_schema(r->conn, &r->err));
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	fixture_close(r);
}
END_TEST

static int
migrate_probe(struct fixture *r, const char *const *steps, size_t nsteps,
	      struct schema_state *state)
{
	struct bare b;
	int result;

	bare_open(r, steps, nsteps, &b);
	result = postgres_migrate(b.pg, &r->err);
	if (result == 0)
		OK(r, postgres_schema(b.pg, state, &r->err));
	else
		OK(r, postgres_ping(b.pg, &(struct err){ .code = ERR_NONE }));
	bare_close(&b);
	return result;
}

/* Each step is done once, in order and by itself. A failure keeps the steps
 * before it, and nothing of its own. */
START_TEST(migration_steps_are_done_in_order)
{
	static const char *const steps[] = {
		"CREATE TABLE fcgiauth.probe AS SELECT 1 AS n",
		"UPDATE fcgiauth.probe SET n = n * 10 + 2",
		"UPDATE fcgiauth.probe SET n = n * 10 + 3",
	};
	static const char *const broken[] = {
		"", "UPDATE fcgiauth.probe SET n = 0; DROP TABLE fcgiauth.no"
	};
	struct fixture *r = fixture_open(0, "");
	struct schema_state state;
	char n[16];

	OK(r, migrate_probe(r, steps, 1, &state));
	SAME(r, state.have, 1);
	FAILS(r, migrate_probe(r, broken, 2, &state), ERR_UNAVAILABLE,
	      "migration probe 2");
	OK(r, migrate_probe(r, steps, 3, &state));
	SAME(r, state.have, 3);
	OK(r, migrate_probe(r, steps, 3, &state));
	FAILS(r, migrate_probe(r, steps, 2, &state), ERR_CONFIG,
	      "newer than this program");
	postgres_server_ask(r->server, "SELECT n FROM fcgiauth.probe", n,
			    sizeof(n));
	ck_assert_str_eq(n, "123");
	/* A component without tables needs no steps. */
	OK(r, migrate_probe(r, NULL, 0, &state));
	SAME(r, state.want, 0);
	OK(r, store_check_schema(r->conn, &r->err));
	fixture_close(r);
}
END_TEST

/* A step may rewrite a large table, so statement_timeout does not apply. */
START_TEST(a_migration_step_may_take_long)
{
	static const char *const steps[] = {
		"SELECT pg_catalog.pg_sleep(1.5)",
	};
	struct fixture *r = fixture_open(0, "");
	struct schema_state state;

	r->timeout = 1;
	OK(r, migrate_probe(r, steps, 1, &state));
	SAME(r, state.have, 1);
	fixture_close(r);
}
END_TEST

START_TEST(the_encoding_must_be_utf8)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct backend *second;
	struct store_conn *conn;
	char conninfo[200];

	postgres_server_sql(r->server, "DROP DATABASE IF EXISTS latin");
	postgres_server_sql(r->server, "CREATE DATABASE latin ENCODING 'LATIN1'"
				       " LC_COLLATE 'C' LC_CTYPE 'C'"
				       " TEMPLATE template0");
	(void)snprintf(conninfo, sizeof(conninfo), "%s dbname=latin",
		       r->server->conninfo);
	fixture_second(r, conninfo, &second, &conn);
	FAILS(r, store_migrate(conn, &r->err), ERR_CONFIG,
	      "UTF8, but is LATIN1");
	store_conn_free(conn);
	backend_unref(second);
	postgres_server_sql(r->server, "DROP DATABASE latin");
	fixture_close(r);
}
END_TEST

START_TEST(statements_use_indexes)
{
	static const struct {
		const char *sql, *index;
	} rows[] = {
		{ "SELECT * FROM fcgiauth.sessions WHERE id = '\\x00'"
		  " AND token = '\\x00' AND idle_expires_ms > 1",
		  "sessions_pkey" },
		{ "DELETE FROM fcgiauth.sessions WHERE id = '\\x00'",
		  "sessions_pkey" },
		{ "SELECT * FROM fcgiauth.sessions WHERE name = 'a' AND"
		  " id < '\\x00' ORDER BY id DESC LIMIT 9",
		  "sessions_user" },
		{ "SELECT * FROM fcgiauth.sessions WHERE id < '\\x00'"
		  " ORDER BY id DESC LIMIT 9",
		  "sessions_pkey" },
		{ "SELECT id FROM fcgiauth.sessions WHERE sweep_ms <= 1"
		  " AND (idle_expires_ms <= 1 OR expires_ms <= 1) LIMIT 9",
		  "sessions_sweep" },
		{ "SELECT 1 FROM fcgiauth.denials WHERE key IN"
		  " ('a', 'b', 'c', 'd') AND issued_ms >= 1 AND until_ms > 1",
		  "denials_" },
		{ "SELECT key FROM fcgiauth.attempts WHERE ends_ms <= 1",
		  "attempts_ends" },
		{ "SELECT name, network FROM fcgiauth.known_networks"
		  " WHERE until_ms <= 1",
		  "known_networks_ends" },
		{ "SELECT name FROM fcgiauth.limits WHERE ends_ms <= 1",
		  "limits_ends" },
	};
	struct fixture *r = fixture_open(0, "");
	PGconn *c = fixture_foreign(r);

	foreign_do(c, "SET enable_seqscan = off");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char sql[400], plan[2000] = "";
		PGresult *res;

		(void)snprintf(sql, sizeof(sql), "EXPLAIN (COSTS OFF) %s",
			       rows[i].sql);
		res = PQexec(c, sql);
		for (int row = 0; row < PQntuples(res); row++)
			(void)strncat(plan, PQgetvalue(res, row, 0),
				      sizeof(plan) - strlen(plan) - 1);
		PQclear(res);
		ck_assert_msg(strstr(plan, rows[i].index) != NULL &&
				  strstr(plan, "Seq Scan") == NULL &&
				  strstr(plan, "Sort") == NULL,
			      "row %zu: the plan is %s", i, plan);
	}
	PQfinish(c);
	fixture_close(r);
}
END_TEST

static bool
all_in_place(void *ctx)
{
	const struct fixture *r = ctx;
	char n[24];

	postgres_server_ask(r->server,
			    "SELECT n_tup_hot_upd FROM"
			    " pg_catalog.pg_stat_user_tables WHERE"
			    " schemaname = 'fcgiauth' AND relname = 'sessions'",
			    n, sizeof(n));
	return strcmp(n, "50") == 0;
}

/* A touch is frequent, so it must not write an index. */
START_TEST(touches_change_rows_in_place)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);

	for (int i = 1; i <= 50; i++)
		OK(r, store_touch(r->conn, NOW(r),
				  TOUCH(s.id, r->now + i, r->now + 70000 + i),
				  &r->err));
	fixture_stop(r); /* the server updates its statistics then */
	ck_assert(process_wait(NULL, all_in_place, r, 10000));
	fixture_start(r);
	fixture_close(r);
}
END_TEST

/* A touched session is not swept at its first end, but at its last. */
START_TEST(sweep_follows_touches)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);
	int64_t n;
	bool found;

	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + 1, r->now + 59999), &r->err));
	postgres_server_sql(r->server, "UPDATE fcgiauth.sessions"
				       " SET expires_ms = expires_ms + 500000");
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + 2, r->now + 100000), &r->err));
	OK(r, store_sweep(r->conn, AT(r, r->now + 70000), 10, &n, &r->err));
	SAME(r, n, 0);
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	OK(r, store_sweep(r->conn, AT(r, r->now + 100000), 10, &n, &r->err));
	SAME(r, n, 1);
	fixture_close(r);
}
END_TEST

TCase *
postgres_schema_cases(void)
{
	TCase *t = new_case("schema");

	tcase_add_test(t, a_missing_schema_names_the_command);
	tcase_add_test(t, processes_can_migrate_at_once);
	tcase_add_test(t, the_role_of_the_daemon_creates_nothing);
	tcase_add_test(t, ping_needs_every_right);
	tcase_add_test(t, newer_schema_is_refused);
	tcase_add_test(t, migration_steps_are_done_in_order);
	tcase_add_test(t, a_migration_step_may_take_long);
	tcase_add_test(t, the_encoding_must_be_utf8);
	tcase_add_test(t, statements_use_indexes);
	tcase_add_test(t, touches_change_rows_in_place);
	tcase_add_test(t, sweep_follows_touches);
	return t;
}
