/* SPDX-License-Identifier: MIT */
/* SQLite files: permissions, contents, and files that are refused. */
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/call.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "strategy/registry.h"
#include "backends/sqlite/file.h"
#include "tests/support/run.h"

START_TEST(files_are_private)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	struct fixture *r = fixture_open();
	struct stat st;
	char path[160];

	(void)umask(0);
	fixture_migrate(r);
	(void)fixture_create(r);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", r->path,
			       suffixes[i]);
		ck_assert_msg(stat(path, &st) == 0, "there is no %s", path);
		ck_assert_msg((st.st_mode & 07777) == 0600,
			      "%s: the mode is %o", path, st.st_mode & 07777);
	}
	fixture_close(r);
}
END_TEST

START_TEST(components_share_a_file)
{
	struct fixture *r = fixture_open();
	struct user u = { .who = { .name = STR("alice") }, .hash = STR("$x") };
	struct schema_state store, users;
	enum user_change change;
	struct user_answer is;
	struct session s;
	bool found;

	OK(r, store_check_schema(r->conn, &r->err));
	OK(r, users_schema(r->users_conn, &users, &r->err));
	ck_assert_int_eq(users.have, 0);
	OK(r, users_check_schema(r->users_conn, &r->err));
	OK(r, users_schema(r->users_conn, &users, &r->err));
	ck_assert_int_eq(users.have, users.want);
	OK(r, store_schema(r->conn, &store, &r->err));
	ck_assert_int_eq(store.have, store.want);
	s = fixture_create(r);
	OK(r, users_add(r->users_conn, CALL_AT(r->a, r->now * 1000), &u,
			&change, &r->err));
	fixture_stop(r);
	fixture_start(r);
	fixture_migrate(r);
	OK(r, fixture_find(r, &s, &found));
	ck_assert(found);
	OK(r, users_find(r->users_conn, CALL_AT(r->a, 0), u.who.name, &is,
			 &r->err));
	ck_assert(is.found);
	fixture_close(r);
}
END_TEST

START_TEST(newer_schema_is_refused)
{
	struct fixture *r = fixture_open();
	struct session s;
	bool found;

	fixture_migrate(r);
	s = fixture_create(r);
	fixture_stop(r);
	fixture_sql(r->path,
		    "UPDATE schema_version SET version = version + 90");
	fixture_start(r);
	FAILS(r, store_check_schema(r->conn, &r->err), ERR_CONFIG,
	      "newer than this program");
	FAILS(r, users_check_schema(r->users_conn, &r->err), ERR_CONFIG,
	      "newer than this program");
	FAILS(r, store_migrate(r->conn, &r->err), ERR_CONFIG,
	      "version 98 is newer");
	FAILS(r, users_migrate(r->users_conn, &r->err), ERR_CONFIG,
	      "version 92 is newer");
	fixture_stop(r);
	fixture_sql(r->path,
		    "UPDATE schema_version SET version = version - 90");
	fixture_start(r);
	fixture_migrate(r);
	OK(r, fixture_find(r, &s, &found));
	ck_assert(found);
	fixture_close(r);
}
END_TEST

/* A migration that fails leaves nothing half done. */
START_TEST(failed_migration_rolls_back)
{
	struct fixture *r = fixture_open();
	struct schema_state state;

	fixture_sql(r->path, "CREATE TABLE secrets (foreign_to_us)");
	FAILS(r, store_check_schema(r->conn, &r->err), ERR_UNAVAILABLE,
	      "migration store 1");
	fixture_stop(r);
	fixture_start(r);
	OK(r, store_schema(r->conn, &state, &r->err));
	ck_assert_int_eq(state.have, 0);
	fixture_sql(r->path, "DROP TABLE secrets");
	fixture_migrate(r);
	fixture_close(r);
}
END_TEST

static int
migrate_probe(struct fixture *r, const char *const *steps, size_t nsteps,
	      struct schema_state *state)
{
	return fixture_migrate_to(r, "probe", steps, nsteps, state);
}

/* The schema of the file cannot do what our statements could, and a name in
 * double quotes that does not exist is an error. */
START_TEST(schema_is_not_trusted)
{
	static const struct {
		const char *sql, *says;
	} rows[] = {
		{ "SELECT \"x\"", "no such column" },
		{ "CREATE TABLE main.q (n CHECK (n <> \"x\"))",
		  "no such column" },
		{ "PRAGMA writable_schema = ON;"
		  "UPDATE main.sqlite_schema SET sql = sql",
		  "may not be modified" },
		{ "CREATE TABLE main.q (n);"
		  "CREATE TRIGGER main.t AFTER INSERT ON q BEGIN"
		  " SELECT rtreedepth(x'00010001'); END;"
		  "INSERT INTO main.q VALUES (1)",
		  "unsafe use" },
	};
	struct fixture *r = fixture_open();
	struct schema_state state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (i == 3 && sqlite3_compileoption_used("ENABLE_RTREE") == 0)
			continue;
		FAILS(r, migrate_probe(r, &rows[i].sql, 1, &state),
		      ERR_UNAVAILABLE, rows[i].says);
	}
	fixture_close(r);
}
END_TEST

/* Each step is done once, in order and by itself. A failure keeps the steps
 * before it. */
START_TEST(migration_steps_are_done_in_order)
{
	static const char *const steps[] = {
		"CREATE TABLE main.probe AS SELECT 1 AS n",
		"UPDATE main.probe SET n = n * 10 + 2",
		"UPDATE main.probe SET n = n * 10 + 3",
	};
	static const char *const broken[] = {
		"", "UPDATE main.probe SET n = 0; DROP TABLE main.none"
	};
	struct fixture *r = fixture_open();
	struct schema_state state;

	fixture_migrate(r);
	OK(r, migrate_probe(r, steps, 1, &state));
	SAME(r, state.have, 1);
	FAILS(r, migrate_probe(r, broken, 2, &state), ERR_UNAVAILABLE,
	      "migration probe 2");
	OK(r, migrate_probe(r, steps, 3, &state));
	SAME(r, state.have, 3);
	OK(r, migrate_probe(r, steps, 3, &state));
	FAILS(r, migrate_probe(r, steps, 2, &state), ERR_CONFIG,
	      "newer than this program");
	fixture_sql(r->path, "CREATE TABLE proof (n CHECK (n = 123));"
			     "INSERT INTO proof SELECT n FROM probe");
	fixture_migrate(r); /* the other tables are unchanged */
	fixture_close(r);
}
END_TEST

START_TEST(a_missing_folder_is_reported)
{
	struct fixture *r = fixture_open();

	fixture_stop(r);
	(void)snprintf(r->path, sizeof(r->path), "%s/none/test.db", r->folder);
	fixture_start(r);
	FAILS(r, store_check_schema(r->conn, &r->err), ERR_UNAVAILABLE,
	      "its folder does not exist");
	FAILS(r, users_check_schema(r->users_conn, &r->err), ERR_UNAVAILABLE,
	      "its folder does not exist");
	fixture_close(r);
}
END_TEST

START_TEST(a_path_must_be_a_regular_file)
{
	struct fixture *r = fixture_open();

	ck_assert_int_eq(mkdir(r->path, 0700), 0);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE,
	      "not a regular file");
	ck_assert_int_eq(rmdir(r->path), 0);
	ck_assert_int_eq(mkfifo(r->path, 0600), 0);
	fixture_wait(r);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE,
	      "not a regular file");
	ck_assert_int_eq(unlink(r->path), 0);
	ck_assert_int_eq(symlink("/nonexistent/file", r->path), 0);
	fixture_wait(r);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, r->path);
	fixture_close(r);
}
END_TEST

/* A file that is no database is not changed. SQLite takes a single byte for an
 * empty file. */
START_TEST(a_foreign_file_is_refused_unchanged)
{
	static const size_t sizes[] = { 2, 15, 100, 511, 512, 4096, 9999 };
	char text[10000], back[10000];

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct fixture *r = fixture_open();
		FILE *f;

		fixture_write(r->path, text, sizes[i]);
		FAILS(r, store_check_schema(r->conn, &r->err), ERR_UNAVAILABLE,
		      "not a database");
		FAILS(r, users_check_schema(r->users_conn, &r->err),
		      ERR_UNAVAILABLE, "not a database");
		f = fopen(r->path, "r");
		ck_assert_ptr_nonnull(f);
		ck_assert_uint_eq(fread(back, 1, sizeof(back), f), sizes[i]);
		ck_assert_mem_eq(text, back, sizes[i]);
		(void)fclose(f);
		fixture_close(r);
	}
}
END_TEST

/* The check of a request is one lookup. All other statements use an index too.
 */
START_TEST(statements_use_indexes)
{
	static const struct {
		const char *sql;
		const char *index;
	} rows[] = {
		{ "SELECT * FROM sessions WHERE id = x'00' AND token = x'00'",
		  "PRIMARY KEY" },
		{ "DELETE FROM sessions WHERE id = x'00'", "PRIMARY KEY" },
		{ "SELECT id FROM sessions WHERE name = 'a' AND id < x'00'"
		  " ORDER BY id DESC LIMIT 9",
		  "sessions_of_user (name=? AND id<?)" },
		{ "SELECT id FROM sessions WHERE id < x'00'"
		  " ORDER BY id DESC LIMIT 9",
		  "PRIMARY KEY" },
		{ "SELECT id FROM sessions"
		  " WHERE min(idle_expires_ms, expires_ms) <= 1",
		  "sessions_dead" },
		{ "SELECT name, network FROM known_networks"
		  " WHERE until_ms <= 1",
		  "known_networks_ends" },
		{ "SELECT key FROM attempts WHERE ends_ms <= 1",
		  "attempts_ends" },
		{ "UPDATE sessions SET token = x'01' WHERE id = x'00'"
		  " AND token = x'00'",
		  "PRIMARY KEY" },
		{ "SELECT wrapped FROM sessions WHERE id = x'00'"
		  " AND parent = x'00'",
		  "PRIMARY KEY" },
		{ "SELECT 1 FROM denials WHERE key IN ('a', 'b', 'c', 'd')"
		  " AND issued_ms >= 1 AND until_ms > 1",
		  "PRIMARY KEY" },
		{ "SELECT key FROM denials WHERE until_ms <= 1",
		  "denials_ends" },
	};
	struct fixture *r = fixture_open();
	sqlite3 *db;

	fixture_migrate(r);
	ck_assert_int_eq(sqlite3_open(r->path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sqlite3_stmt *stmt;
		char text[400];
		const char *plan;

		(void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s",
			       rows[i].sql);
		ck_assert_int_eq(sqlite3_prepare_v2(db, text, -1, &stmt, NULL),
				 SQLITE_OK);
		ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
		plan = (const char *)sqlite3_column_text(stmt, 3);
		ck_assert_msg(strstr(plan, rows[i].index) != NULL,
			      "row %zu: the plan is %s", i, plan);
		ck_assert_int_eq(sqlite3_finalize(stmt), SQLITE_OK);
	}
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	fixture_close(r);
}
END_TEST

/* Every write except a touch is on the disk before it is acknowledged, also
 * after a touch that failed. */
START_TEST(only_a_touch_may_be_lost)
{
	/* This statement fails unless the setting is FULL. */
	static const char is_full[] =
	    "SELECT CASE WHEN synchronous <> 2"
	    " THEN abs(-9223372036854775808) END FROM pragma_synchronous";
	const struct session_store_ops *ops = registry_store("sqlite");
	struct fixture *r = fixture_open();
	const struct touch touch = { .id = { .b = { 1 } },
				     .last_seen_ms = r->now,
				     .idle_expires_ms = r->now + 9 };
	const struct sqlite_conf conf = { .path = r->path };
	void *file, *conn;

	fixture_migrate(r);
	OK(r, ops->base.open(&conf, &r->fake.env, &file, &r->err));
	OK(r, ops->base.connect(file, &conn, &r->err));
	OK(r, sqlite_script(conn, is_full, &r->err));
	OK(r, sqlite_relax(conn, true, &r->err));
	FAILS(r, sqlite_script(conn, is_full, &r->err), ERR_UNAVAILABLE,
	      "overflow");
	OK(r, sqlite_relax(conn, false, &r->err));
	OK(r, ops->touch(conn, NOW(r), &touch, &r->err));
	OK(r, sqlite_script(conn, is_full, &r->err));
	OK(r, ops->base.ping(conn, &r->err));
	OK(r, sqlite_script(conn, is_full, &r->err));
	fixture_sql(r->path, "ALTER TABLE sessions RENAME TO hidden");
	ck_assert_int_eq(ops->touch(conn, NOW(r), &touch, &r->err), -1);
	OK(r, sqlite_script(conn, is_full, &r->err));
	ck_assert_int_eq(ops->base.ping(conn, &r->err), -1);
	OK(r, sqlite_script(conn, is_full, &r->err));
	ops->base.disconnect(conn);
	ops->base.close(file);
	fixture_close(r);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("sqlite");

	tcase_add_test(t, files_are_private);
	tcase_add_test(t, components_share_a_file);
	tcase_add_test(t, newer_schema_is_refused);
	tcase_add_test(t, failed_migration_rolls_back);
	tcase_add_test(t, schema_is_not_trusted);
	tcase_add_test(t, migration_steps_are_done_in_order);
	tcase_add_test(t, a_missing_folder_is_reported);
	tcase_add_test(t, a_path_must_be_a_regular_file);
	tcase_add_test(t, a_foreign_file_is_refused_unchanged);
	tcase_add_test(t, statements_use_indexes);
	tcase_add_test(t, only_a_touch_may_be_lost);
	return RUN_CASES(t, sqlite_version_cases(), sqlite_fault_cases(),
			 sqlite_damage_cases(), sqlite_feed_cases(),
			 sqlite_feed_wait_cases(), sqlite_replaced_cases());
}
