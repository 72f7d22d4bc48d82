/* SPDX-License-Identifier: MIT */
/* Rows that another program has changed affect only their owner. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>

static const struct {
	const char *set, *names; /* NULL: the row stays valid */
} sessions[] = {
	{ "generation = -1", "generation" },
	{ "generation = 4294967296", "generation" },
	{ "generation = 4294967295", NULL },
	{ "created_ms = -1", "created_ms" },
	{ "last_seen_ms = -1", "last_seen_ms" },
	{ "created_ms = 0, last_seen_ms = 0", NULL },
	{ "name = ''", "identity" },
	{ "roles = 'a b'", "identity" },
	{ "roles = 'a,b'", NULL },
	{ "email = repeat('x', 257)", "identity" },
	{ "email = repeat('x', 256)", NULL },
	{ "full_name = E'\\n'", "identity" },
	{ "address = decode(repeat('78', 257), 'hex')", "address" },
	{ "address = decode(repeat('78', 256), 'hex')", NULL },
	{ "user_agent = '\\x00'", "user_agent" },
	{ "mark = NULL", NULL },
	{ "mark = '\\x01'", "mark" },
	{ "id = '\\x01'", "id" },
	{ "last_seen_ms = NULL", "last_seen_ms" },
	{ "remember = NULL", "remember" },
	{ "roles = NULL", "roles" },
	{ "user_agent = NULL", "user_agent" },
};

/* Removes the constraints of the schema. */
static const char lax[] =
    "DO $$ DECLARE c record; BEGIN"
    " FOR c IN SELECT conname FROM pg_constraint WHERE contype = 'c'"
    "  AND conrelid = 'fcgiauth.sessions'::regclass LOOP"
    "  EXECUTE 'ALTER TABLE fcgiauth.sessions DROP CONSTRAINT ' || c.conname;"
    " END LOOP;"
    " FOR c IN SELECT attrelid::regclass AS t, attname FROM pg_attribute"
    "  WHERE attrelid IN ('fcgiauth.sessions'::regclass,"
    "  to_regclass('fcgiauth.users')) AND attnum > 0 AND NOT attisdropped"
    "  AND attname NOT IN ('id', 'name') LOOP"
    "  EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', c.t, c.attname);"
    " END LOOP; END $$;";

/* A damaged session causes no back-off: the other connection stays in use. */
START_TEST(a_damaged_session_affects_no_other)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r), other = fixture_create(r);
	struct session_answer got;
	struct store_conn *second = store_conn_new(&r->fake.env);
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list;
	const bool has_id = strncmp(sessions[_i].set, "id = ", 5) != 0;
	char sql[1200];

	ck_assert_ptr_nonnull(second);
	store_conn_bind(second, r->store);
	(void)snprintf(sql, sizeof(sql),
		       "%s UPDATE fcgiauth.sessions SET %s WHERE id ="
		       " (SELECT id FROM fcgiauth.sessions"
		       " ORDER BY ctid LIMIT 1)",
		       lax, sessions[_i].set);
	postgres_server_sql(r->server, sql);
	for (int i = 0; i < 2; i++)
		if (sessions[_i].names != NULL && has_id)
			FAILS(r, fixture_find(r, &s, &got.found),
			      ERR_UNAVAILABLE, sessions[_i].names);
		else
			OK(r, fixture_find(r, &s, &got.found));
	OK(r,
	   store_find(second, NOW(r), &other.id, &other.token, &got, &r->err));
	HOLDS(r, got.found);
	OK(r, store_list(r->conn, NOW(r), LISTED((struct str){ .p = NULL }, 10),
			 &cursor, &list, &r->err));
	SAME(r, list.n, sessions[_i].names != NULL ? 1 : 2);
	store_conn_free(second);
	fixture_close(r);
}
END_TEST

/* Opens our own table of users, with alice and bob. */
static struct users_conn *
make_users(struct fixture *r, struct user *alice)
{
	struct users_conn *conn = users_conn_new(&r->fake.env);
	struct backend *u = fixture_users(r, "");
	struct user bob = { .who = { .name = STR("bob") }, .hash = STR("$b") };
	enum user_change answer;

	ck_assert_ptr_nonnull(conn);
	users_conn_bind(conn, u);
	backend_unref(u); /* the connection holds it */
	*alice =
	    (struct user){ .who = { .name = STR("alice") }, .hash = STR("$a") };
	OK(r, users_migrate(conn, &r->err));
	OK(r, users_add(conn, CALL_AT(r->a, 1000), alice, &answer, &r->err));
	OK(r, users_add(conn, CALL_AT(r->a, 1000), &bob, &answer, &r->err));
	return conn;
}

START_TEST(a_damaged_user_affects_no_other)
{
	static const char *const columns[] = { "hash",	   "roles",
					       "email",	   "full_name",
					       "disabled", "created",
					       "changed" };
	struct fixture *r = fixture_open(0, "");
	struct user alice;
	struct users_conn *conn = make_users(r, &alice);
	struct user_list list = { .n = 7 };
	char sql[1200];

	postgres_server_sql(r->server, lax);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		struct user_answer is = { .found = false };

		(void)snprintf(sql, sizeof(sql),
			       "CREATE TABLE kept AS TABLE fcgiauth.users;"
			       "UPDATE fcgiauth.users SET %s = NULL"
			       " WHERE name = 'alice'",
			       columns[i]);
		postgres_server_sql(r->server, sql);
		(void)snprintf(sql, sizeof(sql), "column %s:", columns[i]);
		FAILS(r,
		      users_find(conn, CALL_AT(r->a, 0), STR("alice"), &is,
				 &r->err),
		      ERR_UNAVAILABLE, sql);
		HOLDS(r, !is.found);
		FAILS(r,
		      users_list(conn, CALL_AT(r->a, 0), STR(""), 9, &list,
				 &r->err),
		      ERR_UNAVAILABLE, sql);
		SAME(r, list.n, 7);
		OK(r, users_find(conn, CALL_AT(r->a, 0), STR("bob"), &is,
				 &r->err));
		HOLDS(r, is.found);
		postgres_server_sql(r->server,
				    "DELETE FROM fcgiauth.users;"
				    "INSERT INTO fcgiauth.users TABLE kept;"
				    "DROP TABLE kept");
	}
	users_conn_free(conn);
	fixture_close(r);
}
END_TEST

/* A change that changed no row, and whose reason cannot be read, is an error.
 * The trigger removes the right to read it. */
START_TEST(a_change_without_a_reason_fails)
{
	struct fixture *r = fixture_open(0, "");
	struct user alice, old;
	struct users_conn *conn = make_users(r, &alice);
	enum user_change answer = USER_CHANGED;

	postgres_server_sql(
	    r->server,
	    "CREATE FUNCTION fcgiauth.drop_rights() RETURNS trigger"
	    " LANGUAGE plpgsql AS $$ BEGIN"
	    " PERFORM set_config('role', 'pg_monitor', false);"
	    " RETURN NULL; END $$;"
	    "CREATE TRIGGER drop_rights AFTER UPDATE ON fcgiauth.users"
	    " EXECUTE FUNCTION fcgiauth.drop_rights()");
	old = alice;
	old.hash = STR("$stale");
	FAILS(r,
	      users_set(conn, CALL_AT(r->a, 2000), &old, &alice, &answer,
			&r->err),
	      ERR_UNAVAILABLE, "42501");
	SAME(r, answer, USER_CHANGED);
	users_conn_free(conn);
	fixture_close(r);
}
END_TEST

/* A trigger of the administrator skips the row of a key: the attempt is not
 * counted, so the password must not be tried. */
START_TEST(an_attempt_without_a_row_fails)
{
	const struct attempt_policy policy = { 1, 100, 100 };
	const struct login_keys keys = { .v = { { STR("addr:192.0.2.1"), 9 },
						{ STR("user:alice"), 9 } },
					 .n = 2,
					 .window_ms = 100,
					 .ban_ms = 100 };
	struct login_count count = { .standing.known_until_ms = 7 };
	struct attempt attempt = { .count = 7 };
	struct fixture *r = fixture_open(0, "");

	postgres_server_sql(
	    r->server, "CREATE FUNCTION fcgiauth.skip() RETURNS trigger"
		       " LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
		       "CREATE TRIGGER skip BEFORE INSERT ON fcgiauth.attempts"
		       " FOR EACH ROW WHEN (NEW.key = 'user:alice')"
		       " EXECUTE FUNCTION fcgiauth.skip()");
	for (int i = 0; i < 2; i++) {
		FAILS(r, store_count(r->conn, NOW(r), &keys, &count, &r->err),
		      ERR_UNAVAILABLE, "attempts");
		FAILS(r,
		      store_attempt(r->conn, NOW(r), keys.v[1].key, &policy,
				    &attempt, &r->err),
		      ERR_UNAVAILABLE, "attempts");
	}
	HOLDS(r, !count.counted && count.standing.known_until_ms == 7);
	SAME(r, attempt.count, 7);
	fixture_close(r);
}
END_TEST

TCase *
postgres_damage_cases(void)
{
	TCase *t = new_case("damage");

	tcase_add_loop_test(t, a_damaged_session_affects_no_other, 0,
			    ARRAY_LEN(sessions));
	tcase_add_test(t, a_damaged_user_affects_no_other);
	tcase_add_test(t, a_change_without_a_reason_fails);
	tcase_add_test(t, an_attempt_without_a_row_fails);
	return t;
}
