/* SPDX-License-Identifier: MIT */
/* The change feed of a SQLite file: what other programs do to it is reported,
 * or the feed fails. */
#include "strategy/feed.h"
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/call.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define LONG_MS 60000

extern const struct session_store_ops store_sqlite;

/* The feed of a store with one session, which is that of alice. */
struct followed {
	struct fixture *r;
	struct session s;
	void *feed;
	int wake;
	struct change_sink sink;
	int alls, sessions, users;
	struct session_id last;
};

static void
record_kind(void *ctx, const struct change *change)
{
	struct followed *f = ctx;

	f->alls += change->kind == CHANGE_ALL;
	f->sessions += change->kind == CHANGE_SESSION;
	f->users += change->kind == CHANGE_USER;
	f->last = change->session;
}

static int
try_feed(struct followed *f)
{
	const struct feed_conf conf = { .sink = &f->sink,
					.timeout_ms = 5000,
					.wake = f->wake };

	return store_sqlite.feed->open(f->r->store->opened, &conf, &f->feed,
				       &f->r->err);
}

static void
follow_file(struct followed *f)
{
	*f = (struct followed){ .r = fixture_open() };
	f->sink = (struct change_sink){ .changed = record_kind, .ctx = f };
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(f->wake, 0);
	fixture_migrate(f->r);
	f->s = fixture_create(f->r);
	OK(f->r, try_feed(f));
}

static void
unfollow_file(struct followed *f)
{
	store_sqlite.feed->close(f->feed);
	ck_assert_int_eq(close(f->wake), 0);
	fixture_close(f->r);
}

static int
try_proof(struct followed *f)
{
	f->alls = f->sessions = f->users = 0;
	return store_sqlite.feed->prove(f->feed, &f->r->err);
}

static void
expect_session(struct followed *f)
{
	struct fixture *r = f->r;

	OK(r, try_proof(f));
	SAME(r, f->alls, 0);
	HOLDS(r, f->sessions >= 1);
	HOLDS(r, memcmp(&f->last, &f->s.id, sizeof(f->last)) == 0);
}

static void
expect_all(struct followed *f)
{
	struct fixture *r = f->r;

	OK(r, try_proof(f));
	SAME(r, f->alls, 1);
}

static void
expect_nothing(struct followed *f)
{
	struct fixture *r = f->r;

	OK(r, try_proof(f));
	SAME(r, f->alls + f->sessions + f->users, 0);
}

START_TEST(sql_of_another_program_is_reported)
{
	static const char *const rows[] = {
		"UPDATE sessions SET roles = 'x'",
		"UPDATE sessions SET email = 'x'",
		"UPDATE sessions SET full_name = 'x'",
		"UPDATE sessions SET mark = zeroblob(16)",
		"UPDATE sessions SET mark = NULL",
		"UPDATE sessions SET expires_ms = 0",
		"UPDATE sessions SET idle_expires_ms = 0",
		"UPDATE sessions SET idle_expires_ms = 'x'",
		"UPDATE sessions SET token = zeroblob(32)",
		"UPDATE sessions SET name = 'x'",
		"REPLACE INTO sessions (id, token, name, roles, email,"
		" full_name, created_ms, last_seen_ms, idle_expires_ms,"
		" expires_ms, remember, address, user_agent) SELECT id, token,"
		" 'y', 'y', '', '', 0, 0, 0, 0, 0, '', '' FROM sessions",
		"DELETE FROM sessions",
	};
	struct followed f;

	follow_file(&f);
	fixture_sql(f.r->path, "BEGIN; DELETE FROM sessions; ROLLBACK");
	expect_nothing(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture_sql(f.r->path, rows[i]);
		expect_session(&f);
		expect_nothing(&f);
	}
	unfollow_file(&f);
}
END_TEST

static const char another_session[] =
    "INSERT INTO sessions (id, token, name, roles, email, full_name,"
    " created_ms, last_seen_ms, idle_expires_ms, expires_ms, remember,"
    " address, user_agent) SELECT zeroblob(16), token, name, '', '', '', 0, 0,"
    " 0, 0, 0, '', '' FROM sessions";

/* Both sessions are reported when one gets the id of the other. */
START_TEST(a_changed_id_is_reported)
{
	struct followed f;

	follow_file(&f);
	fixture_sql(f.r->path, another_session);
	expect_nothing(&f);
	fixture_sql(f.r->path,
		    "UPDATE OR REPLACE sessions SET id = (SELECT max(id)"
		    " FROM sessions) WHERE id = zeroblob(16)");
	expect_session(&f);
	SAME(f.r, f.sessions, 2);
	unfollow_file(&f);
}
END_TEST

START_TEST(denials_of_another_program_are_reported)
{
	struct followed f;

	follow_file(&f);
	fixture_sql(f.r->path, "INSERT INTO denials VALUES ('user:x', 1, 2)");
	OK(f.r, try_proof(&f));
	SAME(f.r, f.users, 1);
	fixture_sql(f.r->path, "UPDATE denials SET issued_ms = 2");
	OK(f.r, try_proof(&f));
	SAME(f.r, f.users, 1);
	fixture_sql(f.r->path, "REPLACE INTO denials VALUES ('all', 1, 2)");
	expect_all(&f);
	unfollow_file(&f);
}
END_TEST

/* A newer version of the service, or another program, may add kinds. */
START_TEST(an_unknown_row_reports_everything)
{
	static const char *const rows[] = {
		"INSERT INTO changes (kind) VALUES (3)",
		"INSERT INTO changes (kind, what) VALUES (1, x'01')",
		"INSERT INTO changes (kind, what) VALUES (1, 7)",
		"INSERT INTO changes (kind, what) VALUES (2, 7)",
		"INSERT INTO changes (kind, what) VALUES (2, NULL)",
		"INSERT INTO changes (kind, what) VALUES ('x', x'01')",
	};
	struct followed f;

	follow_file(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture_sql(f.r->path, rows[i]);
		expect_all(&f);
	}
	unfollow_file(&f);
}
END_TEST

/* Rows that were removed before they were read. */
START_TEST(a_gap_reports_everything)
{
	static const char *const gaps[] = {
		"DELETE FROM changes",
		/* The same numbers again. */
		"DELETE FROM changes; INSERT INTO changes (seq, kind, what)"
		" VALUES (1, 1, zeroblob(16)), (2, 1, zeroblob(16)),"
		" (3, 1, zeroblob(16)), (4, 1, zeroblob(16))",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		" FROM n WHERE i < 12000) INSERT INTO changes (kind, what)"
		" SELECT 1, zeroblob(16) FROM n",
	};
	struct followed f;

	follow_file(&f);
	fixture_sql(f.r->path, "UPDATE sessions SET roles = 'x'");
	expect_session(&f);
	for (size_t i = 0; i < ARRAY_LEN(gaps); i++) {
		fixture_sql(f.r->path, gaps[i]);
		OK(f.r, try_proof(&f));
		ck_assert_msg(f.alls == 1, "row %zu", i);
		fixture_sql(f.r->path, "INSERT INTO changes (kind, what)"
				       " VALUES (1, zeroblob(16))");
		OK(f.r, try_proof(&f));
		HOLDS(f.r, f.alls == 1 || f.sessions == 1);
	}
	unfollow_file(&f);
}
END_TEST

START_TEST(a_sweep_removes_old_changes)
{
	struct followed f;
	int64_t n;

	follow_file(&f);
	fixture_sql(f.r->path,
		    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		    " FROM n WHERE i < 70000) INSERT INTO changes (kind, what)"
		    " SELECT 1, zeroblob(16) FROM n");
	for (int i = 0; i < 3; i++) {
		OK(f.r, store_sweep(f.r->conn, NOW(f.r), 10, &n, &f.r->err));
		SAME(f.r, n, 0);
	}
	fixture_sql(f.r->path, "CREATE TABLE x (n CHECK (n = 10000));"
			       "INSERT INTO x SELECT count(*) FROM changes;"
			       "DROP TABLE x");
	expect_all(&f);
	fixture_sql(f.r->path, "DELETE FROM sessions");
	expect_session(&f);
	unfollow_file(&f);
}
END_TEST

START_TEST(a_missing_trigger_is_noticed)
{
	static const char *const rows[] = {
		"DROP TRIGGER sessions_deleted",
		"DROP TRIGGER sessions_replaced",
		"DROP TRIGGER sessions_changed",
		"DROP TRIGGER denials_added",
		"DROP TRIGGER denials_changed",
		"DROP TABLE sessions",
		"DROP TABLE denials",
		"DROP TABLE changes",
		"ALTER TABLE sessions RENAME TO hidden",
		/* The new table has no triggers. */
		("ALTER TABLE sessions RENAME TO hidden;"
		 "CREATE TABLE sessions AS SELECT * FROM hidden"),
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct followed f;

		follow_file(&f);
		fixture_sql(f.r->path, rows[i]);
		FAILS(f.r, try_proof(&f), ERR_UNAVAILABLE, "change feed");
		store_sqlite.feed->close(f.feed);
		FAILS(f.r, try_feed(&f), ERR_UNAVAILABLE, "change feed");
		ck_assert_int_eq(close(f.wake), 0);
		fixture_close(f.r);
	}
}
END_TEST

/* Its rows were not reported meanwhile. */
START_TEST(a_trigger_that_was_away_is_noticed)
{
	struct followed f;

	follow_file(&f);
	fixture_sql(f.r->path,
		    "DROP TRIGGER denials_added; INSERT INTO denials VALUES"
		    " ('user:x', 1, 2); CREATE TRIGGER denials_added AFTER"
		    " INSERT ON denials BEGIN INSERT INTO changes (kind, what)"
		    " VALUES (2, NEW.key); END");
	expect_all(&f);
	unfollow_file(&f);
}
END_TEST

/* Copies a database like `.backup` and `.restore` of the shell. */
static void
copy_database(const char *from, const char *to)
{
	sqlite3 *source, *target;
	sqlite3_backup *b;

	ck_assert_int_eq(sqlite3_open(from, &source), SQLITE_OK);
	ck_assert_int_eq(sqlite3_open(to, &target), SQLITE_OK);
	b = sqlite3_backup_init(target, "main", source, "main");
	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(sqlite3_backup_step(b, -1), SQLITE_DONE);
	ck_assert_int_eq(sqlite3_backup_finish(b), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(source), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(target), SQLITE_OK);
}

/* The session that is lost was created after the backup, which is not a change
 * that has a row. */
START_TEST(a_restored_backup_reports_everything)
{
	struct followed f;

	follow_file(&f);
	fixture_sql(f.r->path, "UPDATE sessions SET roles = 'x'");
	copy_database(f.r->path, f.r->other);
	fixture_sql(f.r->path, another_session);
	expect_session(&f);
	copy_database(f.r->other, f.r->path);
	expect_all(&f);
	fixture_sql(f.r->path, "DELETE FROM sessions");
	expect_session(&f);
	SAME(f.r, f.sessions, 1);
	unfollow_file(&f);
}
END_TEST

START_TEST(the_feed_goes_on_after_vacuum)
{
	struct followed f;

	follow_file(&f);
	fixture_sql(f.r->path, "VACUUM");
	OK(f.r, try_proof(&f));
	fixture_sql(f.r->path, "DELETE FROM sessions");
	expect_session(&f);
	fixture_sql(f.r->path, "PRAGMA wal_checkpoint(TRUNCATE)");
	expect_nothing(&f);
	unfollow_file(&f);
}
END_TEST

/* The proof fails, and so does a wait, without waiting. The workers look at
 * once. */
static void
expect_replaced(struct followed *f, const char *text)
{
	struct fixture *r = f->r;
	int rc = 0;

	for (int i = 0; i < 100 && rc == 0; i++)
		rc = store_sqlite.feed->wait(f->feed, LONG_MS, &r->err);
	FAILS(r, rc, ERR_UNAVAILABLE, text);
	FAILS(r, try_proof(f), ERR_UNAVAILABLE, text);
}

START_TEST(a_replaced_database_is_noticed)
{
	struct followed f;
	bool found;

	follow_file(&f);
	OK(f.r, fixture_find(f.r, &f.s, &found));
	copy_database(f.r->path, f.r->other);
	ck_assert_int_eq(rename(f.r->other, f.r->path), 0);
	expect_replaced(&f, "test.db: the file was replaced");
	fixture_sql(f.r->path, "DELETE FROM sessions");
	OK(f.r, fixture_find(f.r, &f.s, &found));
	HOLDS(f.r, !found);
	unfollow_file(&f);
}
END_TEST

/* Another process would use the new files, and this one the old ones. */
START_TEST(other_wal_and_shm_files_are_noticed)
{
	static const char *const ends[] = { "-wal", "-shm" };

	for (int i = 0; i < 4; i++) {
		struct followed f;
		char name[160];

		follow_file(&f);
		(void)snprintf(name, sizeof(name), "%s%s", f.r->path,
			       ends[i % 2]);
		if (i < 2) {
			fixture_write(f.r->other, "x", 1);
			ck_assert_int_eq(rename(f.r->other, name), 0);
		} else {
			ck_assert_int_eq(unlink(name), 0);
		}
		expect_replaced(&f, ends[i % 2]);
		unfollow_file(&f);
	}
}
END_TEST

/* A read transaction that stays open would keep the WAL from being emptied. */
START_TEST(the_feed_does_not_hold_a_snapshot)
{
	struct followed f;
	sqlite3_stmt *stmt;
	sqlite3 *db;

	follow_file(&f);
	fixture_sql(f.r->path, "UPDATE sessions SET roles = 'x'");
	expect_session(&f);
	OK(f.r, store_sqlite.feed->wait(f.feed, 20, &f.r->err));
	ck_assert_int_eq(sqlite3_open(f.r->path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db,
					    "PRAGMA wal_checkpoint(TRUNCATE)",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(stmt, 0), 0); /* not blocked */
	ck_assert_int_eq(sqlite3_finalize(stmt), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	unfollow_file(&f);
}
END_TEST

static rlim_t
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	rlim_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	ck_assert_int_eq(closedir(dir), 0);
	return n - 3; /* ".", ".." and the folder */
}

/* The first limit at which a feed can be opened leaves no descriptor for
 * inotify. The feed then looks by itself. */
START_TEST(a_feed_works_without_inotify)
{
	struct rlimit limit, before;
	struct followed f;
	int rc = -1;

	follow_file(&f);
	store_sqlite.feed->close(f.feed);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	for (rlim_t n = count_fds(); rc != 0 && n < 200; n++) {
		limit.rlim_cur = n;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		rc = try_feed(&f);
	}
	OK(f.r, rc);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	expect_nothing(&f);
	fixture_sql(f.r->path, "DELETE FROM sessions");
	OK(f.r, store_sqlite.feed->wait(f.feed, LONG_MS, &f.r->err));
	SAME(f.r, f.sessions, 1);
	unfollow_file(&f);
}
END_TEST

TCase *
sqlite_feed_cases(void)
{
	TCase *t = new_case("feed");

	tcase_add_test(t, sql_of_another_program_is_reported);
	tcase_add_test(t, a_changed_id_is_reported);
	tcase_add_test(t, denials_of_another_program_are_reported);
	tcase_add_test(t, an_unknown_row_reports_everything);
	tcase_add_test(t, a_gap_reports_everything);
	tcase_add_test(t, a_sweep_removes_old_changes);
	tcase_add_test(t, a_missing_trigger_is_noticed);
	tcase_add_test(t, a_trigger_that_was_away_is_noticed);
	tcase_add_test(t, a_restored_backup_reports_everything);
	tcase_add_test(t, the_feed_goes_on_after_vacuum);
	tcase_add_test(t, a_replaced_database_is_noticed);
	tcase_add_test(t, other_wal_and_shm_files_are_noticed);
	tcase_add_test(t, the_feed_does_not_hold_a_snapshot);
	tcase_add_test(t, a_feed_works_without_inotify);
	return t;
}
