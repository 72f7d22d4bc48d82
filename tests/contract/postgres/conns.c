/* SPDX-License-Identifier: MIT */
/* Connection strings, values in both directions, the meaning of errors. */
#include "tests/contract/postgres/fixture.h"

#include <signal.h>
#include <stdio.h>

START_TEST(conninfo_is_checked)
{
	const struct {
		struct str conninfo;
		const char *says, *hides;
	} rows[] = {
		{ STR("hots=db1 dbname=auth"), "\"hots\"", NULL },
		{ STR("host=db1 dbname"), "missing \"=\"", NULL },
		{ STR("host=db1 password=my secret"),
		  "missing \"=\" after (hidden) in connection info", "secret" },
		{ STR("host=db1 password=my se\"cr\"et x"),
		  "missing \"=\" after (hidden) in connection info", "cr" },
		{ STR("foo=bar password=z"), "option (hidden)", "foo" },
		{ STR("password=hunter 2='x"), "conninfo", "2" },
		{ STR("password='hunter2"), "conninfo", "hunter2" },
		{ STR("passfile='hunter2"), "unterminated", NULL },
		{ STR("postgresql://u:hunter2@h:%zz/db"), "conninfo",
		  "hunter" },
		{ STR("postgresql://u:hunter2@[::1/db"),
		  "\"]\" in IPv6 host address in URI: (hidden)", "hunter" },
		{ STR("postgresql://u@h/db?hunter2=1"), "conninfo", "hunter" },
		{ STR("postgresql://u:hun@ter2@h/db"), "%40", "ter" },
		{ STR("postgresql://u:hun/ter2@h/db"), "%2F", "hun" },
		{ STR("postgresql://u@h1,hun@ter2/db"), "%40", "ter" },
		{ STR("host=a\0b"), "NUL", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct postgres_conf conf = { .conninfo =
							rows[i].conninfo };
		struct err err = { .code = ERR_NONE };

		ck_assert_msg(postgres_check(&conf, &err) == -1 &&
				  err.code == ERR_CONFIG &&
				  strstr(err.msg, rows[i].says) != NULL,
			      "row %zu: %s", i, err.msg);
		ck_assert_msg(rows[i].hides == NULL ||
				  strstr(err.msg, rows[i].hides) == NULL,
			      "row %zu shows: %s", i, err.msg);
	}
}
END_TEST

START_TEST(every_conninfo_of_libpq_is_accepted)
{
	const struct str rows[] = {
		STR("host=a,b port=1,2 dbname=auth target_session_attrs="
		    "read-write sslmode=verify-full passfile=/x service=s"),
		STR("postgresql://u:p@h1,h2/db?sslmode=require&options=-c%20a"),
		STR("postgres:///auth?host=/run/postgresql"),
		STR("password='it''s not' host=x"),
		STR("postgresql://u:a%40b%2Fc@h1:1,[::1]:2/db"),
		STR("host=@/abstract,h port='1, 2'"),
		STR("password='it\\'s' host=x"),
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct postgres_conf conf = { .conninfo = rows[i] };
		struct err err;
		bool bad = i == 3; /* a quote is not doubled there */

		ck_assert_msg((postgres_check(&conf, &err) != 0) == bad,
			      "row %zu: wrong result", i);
	}
}
END_TEST

START_TEST(conninfo_is_bounded)
{
	char text[POSTGRES_CONNINFO_MAX + 2];
	const int front = sprintf(text, "host=");

	memset(text + front, 'h', sizeof(text) - (size_t)front);
	for (size_t more = 0; more < 2; more++) {
		const struct postgres_conf conf = {
			.conninfo = { text, POSTGRES_CONNINFO_MAX + more },
		};
		struct err err;

		ck_assert_int_eq(postgres_check(&conf, &err), -(int)more);
		if (more == 1)
			ck_assert_msg(strstr(err.msg, "at most 4096 bytes"),
				      "%s", err.msg);
	}
}
END_TEST

/* Whatever goes wrong with the connection, the password is not shown. */
START_TEST(password_is_never_shown)
{
	static const struct {
		const char *before, *after; /* the port */
	} rows[] = {
		{ "user=scram password=hunter2 host=127.0.0.1 port=", "" },
		{ "password=hunter2 host=127.0.0.1 port=1", "" },
		{ "password=hunter2 host=127.0.0.1 sslmode=bad port=", "" },
		{ "postgresql://scram:hunter2@127.0.0.1:", "/postgres" },
		{ "postgresql://scram:hunter2@127.0.0.1:", "/no_such" },
	};
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct backend *s;
	struct store_conn *conn;
	char conninfo[200];

	postgres_server_sql(r->server,
			    "DROP ROLE IF EXISTS scram;"
			    "CREATE ROLE scram LOGIN PASSWORD 'right one'");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(conninfo, sizeof(conninfo), "%s%d%s",
			       rows[i].before, r->server->port, rows[i].after);
		fixture_second(r, conninfo, &s, &conn);
		FAILS(r, store_ping(conn, &r->err), ERR_UNAVAILABLE,
		      "postgres");
		ck_assert_msg(strstr(r->err.msg, "hunter2") == NULL &&
				  strchr(r->err.msg, '\n') == NULL,
			      "row %zu: %s", i, r->err.msg);
		store_conn_free(conn);
		backend_unref(s);
	}
	(void)snprintf(conninfo, sizeof(conninfo),
		       "host=127.0.0.1 port=%d user=scram dbname=postgres"
		       " password='right one'",
		       r->server->port);
	fixture_second(r, conninfo, &s, &conn);
	FAILS(r, store_check_schema(conn, &r->err), ERR_CONFIG, "migrate");
	store_conn_free(conn);
	backend_unref(s);
	postgres_server_sql(r->server, "DROP ROLE scram");
	fixture_close(r);
}
END_TEST

/* A server can be configured to send values with its errors. */
START_TEST(values_are_never_shown)
{
	static const char *const sql[] = {
		"SELECT $1 || (1 / 0)::text",
		"SELECT $1, pg_catalog.pg_terminate_backend("
		"pg_catalog.pg_backend_pid()), pg_catalog.pg_sleep(5)",
	};
	struct fixture *r =
	    fixture_open(FIXTURE_NO_SCHEMA,
			 "options='-c log_parameter_max_length_on_error=-1'");
	struct bare b;
	PGresult *res;

	bare_open(r, NULL, 0, &b);
	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		ck_assert_int_eq(postgres_query(b.pg, sql[i],
						PG_ARGS(PG_TEXT(STR("hush"))),
						&res, &r->err),
				 -1);
		ck_assert_msg(strstr(r->err.msg, "hush") == NULL, "row %zu: %s",
			      i, r->err.msg);
	}
	bare_close(&b);
	fixture_close(r);
}
END_TEST

START_TEST(the_next_host_is_used_when_one_is_down)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);
	struct backend *second;
	struct store_conn *conn;
	char conninfo[300];
	bool found;

	(void)snprintf(conninfo, sizeof(conninfo),
		       "host=127.0.0.1,%s,127.0.0.1 port=1,%d,1 user=postgres"
		       " dbname=postgres",
		       r->server->folder, r->server->port);
	fixture_second(r, conninfo, &second, &conn);
	OK(r, store_check_schema(conn, &r->err));
	store_conn_free(r->conn);
	r->conn = conn;
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	backend_unref(second);
	fixture_close(r);
}
END_TEST

/* The first host is a standby, or a primary that became one. */
START_TEST(the_next_host_is_used_when_one_is_read_only)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r);
	struct test_postgres other;
	struct backend *second;
	struct store_conn *conn;
	char conninfo[300];
	bool found;

	ck_assert(postgres_server_new(&other));
	postgres_server_sql(&other,
			    "ALTER SYSTEM SET default_transaction_read_only"
			    " = on");
	postgres_server_stop(&other, SIGINT);
	postgres_server_start(&other);
	(void)snprintf(conninfo, sizeof(conninfo),
		       "host=%s,%s port=%d,%d user=postgres dbname=postgres"
		       " target_session_attrs=read-write",
		       other.folder, r->server->folder, other.port,
		       r->server->port);
	fixture_second(r, conninfo, &second, &conn);
	OK(r, store_check_schema(conn, &r->err));
	store_conn_free(r->conn);
	r->conn = conn;
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	backend_unref(second);
	fixture_second(r, other.conninfo, &second, &conn);
	FAILS(r, store_migrate(conn, &r->err), ERR_UNAVAILABLE, "read-only");
	store_conn_free(conn);
	backend_unref(second);
	postgres_server_free(&other);
	fixture_close(r);
}
END_TEST

START_TEST(a_connection_has_our_settings)
{
	static const struct {
		const char *more, *sql, *want;
	} rows[] = {
		{ "", "SELECT current_setting('statement_timeout')", "4375ms" },
		{ "", "SELECT current_setting('lock_timeout')", "3750ms" },
		{ "",
		  "SELECT current_setting("
		  "'idle_in_transaction_session_timeout')",
		  "5s" },
		{ "", "SELECT current_setting('application_name')",
		  "fcgiauth" },
		{ "application_name=mine",
		  "SELECT current_setting('application_name')", "mine" },
		{ "options='-c lock_timeout=7s'",
		  "SELECT current_setting('lock_timeout')", "7s" },
		{ "options='-c lock_timeout=7s'",
		  "SELECT current_setting('statement_timeout')", "0" },
		{ "client_encoding=LATIN1",
		  "SELECT current_setting('client_encoding')", "UTF8" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *r =
		    fixture_open(FIXTURE_NO_SCHEMA, rows[i].more);
		struct bare b;
		struct str got;
		PGresult *res;

		bare_open(r, NULL, 0, &b);
		OK(r,
		   postgres_query(b.pg, rows[i].sql, NULL, 0, &res, &r->err));
		OK(r, postgres_get_text(res, 0, 0, r->a, &got, &r->err));
		PQclear(res);
		ck_assert_msg(str_eq(got, str_from(rows[i].want)),
			      "row %zu: %.*s", i, STR_ARG(got));
		bare_close(&b);
		fixture_close(r);
	}
}
END_TEST

START_TEST(values_are_stored_unchanged)
{
	static const int64_t numbers[] = {
		0, -1, 1, INT64_MAX, INT64_MIN, INT64_C(0x0102030405060708)
	};
	const struct str texts[] = {
		STR(""),
		STR("'; DROP SCHEMA fcgiauth; --"),
		STR("\"a\" \\ \\\\ %s %n $1 ?1 :a {b}"),
		STR("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x94\x91\n\t\x01"),
	};
	static const uint8_t bytes[] = { 0, 1, 0, 255, '\'', '\\', 0 };
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	uint8_t back[sizeof(bytes)];
	struct bare b;
	struct str got;
	PGresult *res;
	int64_t n;

	bare_open(r, NULL, 0, &b);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		OK(r,
		   postgres_query(b.pg, "SELECT $1",
				  PG_ARGS(PG_INT(numbers[i])), &res, &r->err));
		OK(r, postgres_get_int(res, 0, 0, &n, &r->err));
		SAME(r, n, numbers[i]);
		PQclear(res);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		OK(r,
		   postgres_query(b.pg, "SELECT $1", PG_ARGS(PG_TEXT(texts[i])),
				  &res, &r->err));
		OK(r, postgres_get_text(res, 0, 0, r->a, &got, &r->err));
		HOLDS(r, str_eq(got, texts[i]));
		PQclear(res);
	}
	OK(r, postgres_query(b.pg, "SELECT $1, $2 IS NULL",
			     PG_ARGS(PG_BYTES(bytes, sizeof(bytes)),
				     PG_BYTES(NULL, 5)),
			     &res, &r->err));
	OK(r, postgres_get_bytes(res, 0, 0, back, sizeof(back), &r->err));
	ck_assert_mem_eq(back, bytes, sizeof(bytes));
	OK(r, postgres_get_int(res, 0, 1, &n, &r->err));
	SAME(r, n, 1);
	PQclear(res);
	/* Invalid text is refused and not cut. */
	FAILS(r,
	      postgres_query(b.pg, "SELECT $1", PG_ARGS(PG_TEXT(STR("a\0b"))),
			     &res, &r->err),
	      ERR_INTERNAL, "22021");
	FAILS(r,
	      postgres_query(b.pg, "SELECT $1", PG_ARGS(PG_TEXT(STR("\xff"))),
			     &res, &r->err),
	      ERR_INTERNAL, "22021");
	bare_close(&b);
	fixture_close(r);
}
END_TEST

/* The value is larger than a socket buffer, in both directions. */
START_TEST(large_values_are_stored_unchanged)
{
	enum { N = 20 << 20 };
	static char bytes[N], back[N];
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct bare b;
	PGresult *res;

	for (int i = 0; i < N; i += 4096)
		bytes[i] = (char)(i >> 12);
	r->timeout = 60; /* for a slow machine */
	bare_open(r, NULL, 0, &b);
	OK(r, postgres_query(b.pg, "SELECT $1", PG_ARGS(PG_BYTES(bytes, N)),
			     &res, &r->err));
	OK(r, postgres_get_bytes(res, 0, 0, back, N, &r->err));
	ck_assert(memcmp(bytes, back, N) == 0);
	PQclear(res);
	bare_close(&b);
	fixture_close(r);
}
END_TEST

START_TEST(types_of_columns_are_checked)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct str text;
	struct bare b;
	PGresult *res;
	uint8_t two[2];
	int64_t n;

	bare_open(r, NULL, 0, &b);
	OK(r,
	   postgres_query(b.pg,
			  "SELECT (-3)::int2, 70000::int4, true, NULL::int8"
			  " AS nothing, 1.5::float8, 'x'::varchar, '{}'::"
			  "text[], '\\x0102'::bytea, 'n'::name, 'c'::char(2)",
			  NULL, 0, &res, &r->err));
	OK(r, postgres_get_int(res, 0, 0, &n, &r->err));
	SAME(r, n, -3);
	OK(r, postgres_get_int(res, 0, 1, &n, &r->err));
	SAME(r, n, 70000);
	OK(r, postgres_get_int(res, 0, 2, &n, &r->err));
	SAME(r, n, 1);
	for (int i = 3; i < 10; i++)
		ck_assert_int_eq(postgres_get_int(res, 0, i, &n, &r->err), -1);
	FAILS(r, postgres_get_int(res, 0, 3, &n, &r->err), ERR_BUSY,
	      "column nothing");
	for (int i = 0; i < 10; i++)
		ck_assert_msg((postgres_get_text(res, 0, i, r->a, &text,
						 &r->err) == 0) ==
				  (i == 5 || i >= 7),
			      "column %d: wrong result", i);
	OK(r, postgres_get_bytes(res, 0, 7, two, 2, &r->err));
	SAME(r, two[1], 2);
	FAILS(r, postgres_get_bytes(res, 0, 7, two, 1, &r->err), ERR_BUSY,
	      "bytea");
	FAILS(r, postgres_get_bytes(res, 0, 5, two, 1, &r->err), ERR_BUSY,
	      "bytea");
	PQclear(res);
	bare_close(&b);
	fixture_close(r);
}
END_TEST

START_TEST(errors_have_their_meaning)
{
	static const struct {
		const char *state;
		enum err_code code;
	} rows[] = {
		{ "22P02", ERR_INTERNAL },    { "23505", ERR_INTERNAL },
		{ "42601", ERR_INTERNAL },    { "42P01", ERR_UNAVAILABLE },
		{ "42501", ERR_UNAVAILABLE }, { "3F000", ERR_UNAVAILABLE },
		{ "25006", ERR_UNAVAILABLE }, { "08006", ERR_UNAVAILABLE },
		{ "57P01", ERR_UNAVAILABLE }, { "57P03", ERR_UNAVAILABLE },
		{ "58030", ERR_UNAVAILABLE }, { "XX001", ERR_UNAVAILABLE },
		{ "53100", ERR_BUSY },	      { "57014", ERR_BUSY },
		{ "55P03", ERR_BUSY },	      { "54000", ERR_BUSY },
		{ "21000", ERR_BUSY },	      { "P0001", ERR_BUSY },
		{ "38000", ERR_BUSY },	      { "39000", ERR_BUSY },
		{ "44000", ERR_BUSY },
	};
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct bare b;
	char sql[200];
	int64_t n;

	bare_open(r, NULL, 0, &b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(sql, sizeof(sql),
			       "DO $$ BEGIN RAISE EXCEPTION E'first\\n\\x1b[2J"
			       "hunter2' USING ERRCODE = '%s'; END $$",
			       rows[i].state);
		r->err.code = ERR_NONE;
		ck_assert_int_eq(postgres_change(b.pg, sql, NULL, 0, &n,
						 &r->err),
				 -1);
		ck_assert_msg(r->err.code == rows[i].code, "%s: code %d: %s",
			      rows[i].state, (int)r->err.code, r->err.msg);
		ck_assert_msg(strstr(r->err.msg, rows[i].state) != NULL &&
				  strpbrk(r->err.msg, "\n\x1b") == NULL,
			      "%s: %s", rows[i].state, r->err.msg);
		/* The message of this code would quote the data. */
		ck_assert_msg((strstr(r->err.msg, "hunter2") == NULL) ==
				  (i == 0),
			      "%s: %s", rows[i].state, r->err.msg);
	}
	/* The connection stays in use. */
	OK(r, postgres_ping(b.pg, &r->err));
	bare_close(&b);
	fixture_close(r);
}
END_TEST

/* A statement of the administrator may be of any kind. */
START_TEST(statements_without_rows_are_refused)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct bare b;
	PGresult *res;

	bare_open(r, NULL, 0, &b);
	FAILS(r,
	      postgres_query(b.pg, "SET LOCAL lock_timeout = 0", NULL, 0, &res,
			     &r->err),
	      ERR_CONFIG, "no rows");
	FAILS(r, postgres_query(b.pg, "", NULL, 0, &res, &r->err), ERR_CONFIG,
	      "no rows");
	FAILS(r,
	      postgres_query(b.pg, "SELECT 1; SELECT 2", NULL, 0, &res,
			     &r->err),
	      ERR_INTERNAL, "42601");
	OK(r, postgres_ping(b.pg, &r->err));
	FAILS(r,
	      postgres_query(b.pg, "COPY (SELECT 1) TO STDOUT", NULL, 0, &res,
			     &r->err),
	      ERR_UNAVAILABLE, "no usable answer");
	bare_close(&b);
	fixture_close(r);
}
END_TEST

TCase *
postgres_conn_cases(void)
{
	TCase *t = new_case("connections");

	tcase_add_test(t, conninfo_is_checked);
	tcase_add_test(t, every_conninfo_of_libpq_is_accepted);
	tcase_add_test(t, conninfo_is_bounded);
	tcase_add_test(t, password_is_never_shown);
	tcase_add_test(t, values_are_never_shown);
	tcase_add_test(t, the_next_host_is_used_when_one_is_down);
	tcase_add_test(t, the_next_host_is_used_when_one_is_read_only);
	tcase_add_test(t, a_connection_has_our_settings);
	tcase_add_test(t, values_are_stored_unchanged);
	tcase_add_test(t, large_values_are_stored_unchanged);
	tcase_add_test(t, types_of_columns_are_checked);
	tcase_add_test(t, errors_have_their_meaning);
	tcase_add_test(t, statements_without_rows_are_refused);
	return t;
}
