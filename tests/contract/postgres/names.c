/* SPDX-License-Identifier: MIT */
/* Prepared statements: a failure of their names fails no request. */
#include "tests/contract/postgres/fixture.h"

#include "backends/postgres/conn_internal.h"

static const char hot[] =
    "SELECT address FROM fcgiauth.sessions WHERE name = $1";

/* Executes the statement, and returns the number of rows. */
static int
run_hot(struct fixture *r, struct bare *b)
{
	PGresult *res;
	int n;

	OK(r, postgres_query(b->pg, hot, PG_ARGS(PG_TEXT(STR("alice"))), &res,
			     &r->err));
	n = PQntuples(res);
	PQclear(res);
	return n;
}

static void
names_open(struct fixture *r, struct bare *b)
{
	bare_open(r, NULL, 0, b);
	postgres_add_hot(b->server, hot);
}

static int
prepared_by(struct fixture *r, struct bare *b)
{
	PGresult *res;
	int n;

	OK(r, postgres_query(b->pg,
			     "SELECT 1 FROM pg_catalog.pg_prepared_statements"
			     " WHERE name = 'fcgiauth_0'",
			     NULL, 0, &res, &r->err));
	n = PQntuples(res);
	PQclear(res);
	return n;
}

START_TEST(a_frequent_statement_is_prepared)
{
	struct fixture *r = fixture_open(0, "");
	struct bare b;

	(void)fixture_create(r);
	names_open(r, &b);
	SAME(r, prepared_by(r, &b), 0);
	for (int i = 0; i < 10; i++)
		SAME(r, run_hot(r, &b), 1);
	SAME(r, prepared_by(r, &b), 1);
	SAME(r, b.pg->names, NAMES_ON);
	bare_close(&b);
	fixture_close(r);
}
END_TEST

/* What a pooler does without telling. */
START_TEST(names_that_fail_are_given_up)
{
	static const char *const acts[] = {
		"DEALLOCATE ALL",
		"PREPARE fcgiauth_0 AS SELECT 1",
	};
	struct fixture *r = fixture_open(0, "");

	(void)fixture_create(r);
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct bare b;
		int64_t n;

		names_open(r, &b);
		if (i == 0)
			SAME(r, run_hot(r, &b), 1);
		OK(r, postgres_change(b.pg, acts[i], NULL, 0, &n, &r->err));
		SAME(r, run_hot(r, &b), 1);
		if (i == 0)
			SAME(r, b.pg->names, NAMES_OFF);
		SAME(r, run_hot(r, &b), 1);
		bare_close(&b);
	}
	fixture_close(r);
}
END_TEST

START_TEST(changed_tables_are_planned_again)
{
	struct fixture *r = fixture_open(0, "");
	struct bare b;

	(void)fixture_create(r);
	names_open(r, &b);
	SAME(r, run_hot(r, &b), 1);
	postgres_server_sql(r->server,
			    "ALTER TABLE fcgiauth.sessions ALTER address TYPE"
			    " text USING ''");
	SAME(r, run_hot(r, &b), 1);
	SAME(r, b.pg->names, NAMES_STALE);
	SAME(r, run_hot(r, &b), 1);
	SAME(r, b.pg->names, NAMES_ON);
	SAME(r, prepared_by(r, &b), 1);
	bare_close(&b);
	fixture_close(r);
}
END_TEST

START_TEST(errors_of_a_prepared_statement_are_reported)
{
	struct fixture *r = fixture_open(0, "");
	struct bare b;
	PGresult *res;

	names_open(r, &b);
	SAME(r, run_hot(r, &b), 0);
	postgres_server_sql(r->server,
			    "ALTER TABLE fcgiauth.sessions RENAME TO away");
	FAILS(r,
	      postgres_query(b.pg, hot, PG_ARGS(PG_TEXT(STR("alice"))), &res,
			     &r->err),
	      ERR_UNAVAILABLE, "42P01");
	postgres_server_sql(r->server,
			    "ALTER TABLE fcgiauth.away RENAME TO sessions");
	SAME(r, run_hot(r, &b), 0);
	bare_close(&b);
	fixture_close(r);
}
END_TEST

TCase *
postgres_name_cases(void)
{
	TCase *t = new_case("names");

	tcase_add_test(t, a_frequent_statement_is_prepared);
	tcase_add_test(t, names_that_fail_are_given_up);
	tcase_add_test(t, changed_tables_are_planned_again);
	tcase_add_test(t, errors_of_a_prepared_statement_are_reported);
	return t;
}
