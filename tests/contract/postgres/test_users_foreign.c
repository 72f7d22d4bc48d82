/* SPDX-License-Identifier: MIT */
/* Users in a table of another application, with configured statements. */
#include "strategy/users.h"
#include "tests/contract/expect.h"
#include "tests/support/call.h"
#include "tests/contract/postgres/foreign_shapes.h"
#include "tests/support/fake_env.h"
#include "tests/support/postgres_server.h"
#include "tests/support/run.h"
#include "tests/support/set_option.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct user_source_ops users_postgres;

static struct test_postgres server;

struct fixture {
	const char *name;
	struct fake_env fake;
	struct backend *users;
	struct users_conn *conn;
	struct arena *a;
	struct err err;
};

static struct fixture fixture, *const r = &fixture;

#define HASH "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"

static const char table[] =
    "SET client_min_messages = warning;"
    "DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app;"
    "CREATE TABLE app.people (login text, password_hash text, mail text,"
    " display text, groups text, gone boolean);"
    "INSERT INTO app.people VALUES"
    " ('alice', '" HASH "', 'a@example.com', 'Ann', 'admin staff', false),"
    " ('bob', '$b', NULL, NULL, NULL, false),"
    " ('carol', NULL, '', '', '', true)";

static int
open_with(const char *query, const char *update_hash, int name_case, bool email)
{
	void *conf = calloc(1, users_postgres.base.driver.conf_size);
	char *copy = strdup(query);
	const struct option *options = users_postgres.base.driver.options;
	const struct str text = str_from(copy), change = str_from(update_hash);
	int rc;

	ck_assert_ptr_nonnull(conf);
	backend_unref(r->users); /* of the call before */
	r->users = NULL;
	postgres_server_set(options, conf, server.conninfo);
	SET_OPTION(options, conf, "query", text);
	SET_OPTION(options, conf, "update_hash", change);
	SET_OPTION(options, conf, "case", name_case);
	SET_OPTION(options, conf, "email", email);
	rc = users_postgres.base.driver.check(conf, &r->err);
	if (rc == 0)
		rc = users_open(&users_postgres, conf, &r->fake.env, &r->users,
				&r->err);
	memset(copy, 'x', strlen(copy));
	free(copy);
	free(conf);
	if (rc == 0)
		users_conn_bind(r->conn, r->users);
	return rc;
}

static int
open_source(const char *query, const char *update_hash)
{
	return open_with(query, update_hash, 0, false);
}

static void
setup(void)
{
	*r = (struct fixture){ .name = "foreign" };
	fake_env_init(&r->fake);
	r->a = arena_new(16 << 20);
	r->conn = users_conn_new(&r->fake.env);
	ck_assert(r->a != NULL && r->conn != NULL);
	postgres_server_sql(&server, table);
}

static void
teardown(void)
{
	users_conn_free(r->conn);
	backend_unref(r->users);
	arena_free(r->a);
}

static bool
find(const char *name, struct user *out)
{
	struct user_answer is = { .found = true };

	OK(r,
	   users_find(r->conn, CALL_AT(r->a, 0), str_from(name), &is, &r->err));
	*out = is.user;
	return is.found;
}

START_TEST(all_columns_are_read)
{
	struct user u;

	OK(r, open_source(FOREIGN_QUERY, NULL));
	OK(r, users_check_schema(r->conn, &r->err));
	HOLDS(r, find("alice", &u));
	HOLDS(r, str_eq(u.who.name, STR("alice")));
	HOLDS(r, str_eq(u.hash, STR(HASH)));
	HOLDS(r, str_eq(u.who.email, STR("a@example.com")));
	HOLDS(r, str_eq(u.who.full_name, STR("Ann")));
	HOLDS(r, str_eq(u.who.roles, STR("admin,staff")));
	HOLDS(r, !u.disabled && u.created == 0 && u.changed == 0);
	HOLDS(r, find("bob", &u)); /* NULLs */
	HOLDS(r, u.who.email.n == 0 && u.who.full_name.n == 0 &&
		     u.who.roles.n == 0 && !u.disabled);
	HOLDS(r, find("carol", &u));
	HOLDS(r, u.hash.n == 0 && u.disabled);
	HOLDS(r, !find("dave", &u));
	OK(r, users_ping(r->conn, &r->err));
}
END_TEST

START_TEST(rows_of_all_types_are_read)
{
	char query[512];
	struct user u;

	(void)snprintf(query, sizeof(query), "SELECT %s WHERE $1 = 'a'",
		       foreign_shapes[_i].columns);
	ck_assert_msg(open_source(query, NULL) == 0, "row %d: %s", _i,
		      r->err.msg);
	ck_assert_msg(find("a", &u), "row %d is not found", _i);
	ck_assert_msg(u.disabled == foreign_shapes[_i].disabled,
		      "row %d: disabled is %d", _i, u.disabled);
	ck_assert_msg(str_eq(u.refused, str_from(foreign_shapes[_i].says)),
		      "row %d: refused is %.*s", _i, STR_ARG(u.refused));
	ck_assert_msg(str_eq(u.who.roles, str_from(foreign_shapes[_i].roles)),
		      "row %d: roles are %.*s", _i, STR_ARG(u.who.roles));
	ck_assert_msg(str_eq(u.hash, STR("h")), "row %d: wrong hash", _i);
	ck_assert_msg(str_eq(u.who.name, STR("a")), "row %d: wrong name", _i);
	ck_assert_msg(u.who.email.n == 0 && u.who.full_name.n == 0,
		      "row %d: e-mail or full name is set", _i);
	ck_assert_msg(!find("b", &u), "row %d: finds b", _i);
}
END_TEST

/* 205 roles of four bytes with their commas have the greatest length. */
START_TEST(roles_up_to_the_limit)
{
	char query[256];
	struct user u;

	for (int more = 0; more < 2; more++) {
		(void)snprintf(query, sizeof(query),
			       "SELECT 'a' AS name, 'h' AS password_hash,"
			       " (SELECT string_agg('r' || i, ',') FROM"
			       " generate_series(100, %d) g (i)) AS roles"
			       " WHERE $1 = 'a'",
			       304 + more);
		OK(r, open_source(query, NULL));
		HOLDS(r, find("a", &u));
		SAME(r, u.disabled, more == 1);
		SAME(r, u.who.roles.n, more == 1 ? 0 : IDENTITY_ROLES_MAX);
	}
}
END_TEST

START_TEST(mistakes_in_statements_are_refused)
{
	struct user u;
	struct user_answer is = { .found = false };

	if (open_source(foreign_mistakes[_i].query,
			foreign_mistakes[_i].update_hash) == 0)
		ck_assert_msg(users_check_schema(r->conn, &r->err) == -1,
			      "row %d is accepted", _i);
	ck_assert_msg(r->err.code == ERR_CONFIG &&
			  strstr(r->err.msg, foreign_mistakes[_i].says) != NULL,
		      "row %d: code %d: %s", _i, (int)r->err.code, r->err.msg);
	if (r->users == NULL)
		return;
	ck_assert_msg(users_find(r->conn, CALL_AT(r->a, 0), STR("alice"), &is,
				 &r->err) == -1,
		      "row %d finds a user", _i);
	/* The refused statement has changed nothing. */
	OK(r, open_source(FOREIGN_QUERY, NULL));
	HOLDS(r, find("alice", &u));
}
END_TEST

/* The table may be created or granted while the service runs. */
START_TEST(a_table_may_be_created_later)
{
	struct user u;
	struct user_answer is = { .found = false };

	postgres_server_sql(&server, "DROP TABLE app.people");
	OK(r, open_source(FOREIGN_QUERY, NULL));
	FAILS(r,
	      users_find(r->conn, CALL_AT(r->a, 0), STR("alice"), &is, &r->err),
	      ERR_UNAVAILABLE, "app.people");
	postgres_server_sql(&server, table);
	fake_env_advance(&r->fake, 2);
	HOLDS(r, find("alice", &u));
	/* The table is dropped again. */
	postgres_server_sql(&server, "DROP TABLE app.people");
	FAILS(r,
	      users_find(r->conn, CALL_AT(r->a, 0), STR("alice"), &is, &r->err),
	      ERR_UNAVAILABLE, "app.people");
}
END_TEST

/* A name is data. An invalid name never reaches the server, and a valid one has
 * no special meaning. */
START_TEST(names_are_data)
{
	static const char *const names[] = {
		"' OR 1=1 --", "alice'; DROP TABLE app.people; --",
		"%",	       "a%",
		"a_ice",       "alice--",
		"$1",	       "{alice}",
		"alice\n",     "ALICE",
		"alice@x",     "--",
	};
	struct user u;

	OK(r, open_source(FOREIGN_QUERY, NULL));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(!find(names[i], &u), "row %zu finds a user", i);
	HOLDS(r, find("alice", &u));
}
END_TEST

/* Otherwise a user would have several names in different case, and several
 * bans. */
START_TEST(only_the_exact_name_is_found)
{
	struct user u;

	OK(r, open_source("SELECT login AS name, password_hash"
			  " FROM app.people WHERE lower(login) = lower($1)",
			  NULL));
	HOLDS(r, find("alice", &u));
	HOLDS(r, !find("Alice", &u));
	HOLDS(r, !find("ALICE", &u));
}
END_TEST

static void
means(const char *text, bool ambiguous, const char *whom)
{
	struct user_answer is = { .found = false };

	OK(r, users_find_typed(r->conn, CALL_AT(r->a, 0), str_from(text), &is,
			       &r->err));
	ck_assert_msg(is.ambiguous == ambiguous &&
			  str_eq(is.user.who.name, str_from(whom)),
		      "%s means %.*s", text, STR_ARG(is.user.who.name));
}

/* The statement decides whom a text fits. */
START_TEST(a_statement_finds_what_is_typed)
{
	postgres_server_sql(
	    &server, "INSERT INTO app.people (login, password_hash, mail)"
		     " VALUES ('Bob', '$x', 'A@example.com'),"
		     " ('no name', '$x', 'n@example.com')");
	OK(r, open_with("SELECT login AS name, password_hash, mail AS email"
			" FROM app.people WHERE lower(login) = lower($1)"
			" OR lower(mail) = lower($1)",
			NULL, 1, true));
	means("ALICE", false, "alice");
	means("bob", false, "bob");
	means("BOB", true, "");
	means("a@example.com", true, "");
	means("n@example.com", false, "");
	means("nobody@example.com", false, "");
	means("", false, "");
}
END_TEST

/* Without the column the service cannot tell that the address fits. */
START_TEST(an_address_needs_the_column)
{
	OK(r, open_with("SELECT login AS name, password_hash FROM app.people"
			" WHERE login = $1 OR mail = $1",
			NULL, 0, true));
	means("alice", false, "alice");
	means("a@example.com", false, "");
}
END_TEST

START_TEST(several_rows_are_an_error)
{
	struct user_answer is = { .found = false };
	struct user u;

	postgres_server_sql(&server, "INSERT INTO app.people (login,"
				     " password_hash) VALUES ('alice', '$x')");
	OK(r, open_source(FOREIGN_QUERY, NULL));
	FAILS(r,
	      users_find(r->conn, CALL_AT(r->a, 0), STR("alice"), &is, &r->err),
	      ERR_UNAVAILABLE, "2 rows for the user alice");
	HOLDS(r, !is.found);
	HOLDS(r, find("bob", &u)); /* no back-off */
}
END_TEST

/* The statement fails for the row of one user only. */
START_TEST(a_failure_of_one_user_affects_no_other)
{
	static const struct {
		const char *hash, *says;
	} rows[] = {
		{ "(SELECT 'h' FROM generate_series(1, CASE login"
		  " WHEN 'alice' THEN 2 ELSE 1 END))",
		  "21000" },
		{ "app.hash_of(login)", "P0001" },
	};
	struct users_conn *other = users_conn_new(&r->fake.env);
	struct user_answer is;
	char query[400];

	ck_assert_ptr_nonnull(other);
	postgres_server_sql(&server,
			    "CREATE FUNCTION app.hash_of(text) RETURNS text"
			    " LANGUAGE plpgsql AS $$ BEGIN IF $1 = 'alice' THEN"
			    " RAISE EXCEPTION 'who?'; END IF; RETURN 'h';"
			    " END $$");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(query, sizeof(query),
			       "SELECT login AS name, %s AS password_hash"
			       " FROM app.people WHERE login = $1",
			       rows[i].hash);
		users_conn_bind(other, NULL);
		OK(r, open_source(query, NULL));
		users_conn_bind(other, r->users);
		for (int n = 0; n < 2; n++) /* twice, to see no back-off */
			FAILS(r,
			      users_find(r->conn, CALL_AT(r->a, 0),
					 STR("alice"), &is, &r->err),
			      ERR_UNAVAILABLE, rows[i].says);
		OK(r, users_find(other, CALL_AT(r->a, 0), STR("bob"), &is,
				 &r->err));
		HOLDS(r, is.found);
	}
	users_conn_free(other);
}
END_TEST

START_TEST(nothing_is_written_without_a_statement)
{
	struct user u, old;
	enum user_change answer;
	struct user_list list;
	struct schema_state state;
	bool changed = true;

	OK(r, open_source(FOREIGN_QUERY, NULL));
	SAME(r, r->users->caps, BACKEND_PERSISTENT | BACKEND_SHARED);
	HOLDS(r, find("alice", &u));
	old = u;
	OK(r, users_set_hash(r->conn, CALL_AT(r->a, 0),
			     REHASH(.name = u.who.name, .old = u.hash,
				    .hash = STR("$x")),
			     &changed, &r->err));
	HOLDS(r, !changed);
	FAILS(r, users_add(r->conn, CALL_AT(r->a, 0), &u, &answer, &r->err),
	      ERR_CONFIG, "change the table");
	FAILS(r,
	      users_set(r->conn, CALL_AT(r->a, 0), &old, &u, &answer, &r->err),
	      ERR_CONFIG, "change the table");
	FAILS(r,
	      users_remove(r->conn, CALL_AT(r->a, 0), u.who.name, &answer,
			   &r->err),
	      ERR_CONFIG, "change the table");
	FAILS(r,
	      users_list(r->conn, CALL_AT(r->a, 0), STR(""), 9, &list, &r->err),
	      ERR_CONFIG, "cannot be listed");
	OK(r, users_schema(r->conn, &state, &r->err));
	SAME(r, state.have, 0);
	SAME(r, state.want, 0);
	OK(r, users_migrate(r->conn, &r->err));
}
END_TEST

START_TEST(update_hash_refuses_a_stale_hash)
{
	struct hash_change change = { .name = STR("alice"),
				      .old = STR("$stale"),
				      .hash = STR("$new'--") };
	struct user u;
	bool changed = true;

	OK(r, open_source(FOREIGN_QUERY,
			  "UPDATE app.people SET password_hash = $2"
			  " WHERE login = $1 AND password_hash = $3"));
	SAME(r, r->users->caps,
	     BACKEND_PERSISTENT | BACKEND_SHARED | USERS_REHASH);
	OK(r, users_set_hash(r->conn, CALL_AT(r->a, 0), &change, &changed,
			     &r->err));
	HOLDS(r, !changed);
	change.old = STR(HASH);
	OK(r, users_set_hash(r->conn, CALL_AT(r->a, 0), &change, &changed,
			     &r->err));
	HOLDS(r, changed);
	HOLDS(r, find("alice", &u));
	HOLDS(r, str_eq(u.hash, STR("$new'--")));
	HOLDS(r, find("bob", &u));
	HOLDS(r, str_eq(u.hash, STR("$b")));
}
END_TEST

START_TEST(find_fails_without_memory)
{
	unsigned failures = 0;

	OK(r, open_source(FOREIGN_QUERY, NULL));
	for (unsigned n = 0; n < 12; n++) {
		struct user_answer is = { .user = { .disabled = true } };
		struct arena *a = arena_new(1 << 20);
		int rc;

		ck_assert_ptr_nonnull(a);
		arena_fail_after(a, n);
		rc = users_find(r->conn, CALL_AT(a, 0), STR("alice"), &is,
				&r->err);
		if (arena_has_failed(a)) {
			failures++;
			SAME(r, rc, -1);
			SAME(r, r->err.code, ERR_INTERNAL);
			HOLDS(r, !is.found && is.user.disabled);
		} else {
			HOLDS(r, is.found);
		}
		arena_free(a);
	}
	HOLDS(r, failures > 0);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("users_foreign");
	int result;

	if (!postgres_server_new(&server))
		return skip_all("PostgreSQL is not installed");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_columns_are_read);
	tcase_add_loop_test(t, rows_of_all_types_are_read, 0,
			    (int)foreign_nshapes);
	tcase_add_test(t, roles_up_to_the_limit);
	tcase_add_loop_test(t, mistakes_in_statements_are_refused, 0,
			    (int)foreign_nmistakes);
	tcase_add_test(t, a_table_may_be_created_later);
	tcase_add_test(t, names_are_data);
	tcase_add_test(t, only_the_exact_name_is_found);
	tcase_add_test(t, a_statement_finds_what_is_typed);
	tcase_add_test(t, an_address_needs_the_column);
	tcase_add_test(t, several_rows_are_an_error);
	tcase_add_test(t, a_failure_of_one_user_affects_no_other);
	tcase_add_test(t, nothing_is_written_without_a_statement);
	tcase_add_test(t, update_hash_refuses_a_stale_hash);
	tcase_add_test(t, find_fails_without_memory);
	result = run_case(t);
	postgres_server_free(&server);
	return result;
}
