/* SPDX-License-Identifier: MIT */
/* Failures of a SQLite file in use. Each results in an error with a clear
 * message, and none causes a crash, a wrong result or a loss of data. */
#include "strategy/registry.h"
#include "backends/sqlite/conn.h"
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/call.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Damage anywhere in the file results in an error or an answer, and never in a
 * crash. */
START_TEST(a_damaged_file_causes_no_crash)
{
	struct fixture *r = fixture_open();
	struct session s;
	char byte[64];
	off_t size;
	struct stat st;
	int errors = 0;

	fixture_migrate(r);
	s = fixture_create(r);
	fixture_stop(r);
	ck_assert_int_eq(stat(r->path, &st), 0);
	size = st.st_size;
	memset(byte, 0xa5, sizeof(byte));
	for (off_t at = 16; at < size; at += 997) {
		char saved[64];
		int fd = open(r->path, O_RDWR | O_CLOEXEC);
		bool found = false;
		int64_t n;

		ck_assert_int_ge(fd, 0);
		ck_assert_int_ge(pread(fd, saved, sizeof(saved), at), 1);
		ck_assert_int_ge(pwrite(fd, byte, sizeof(byte), at), 1);
		ck_assert_int_eq(close(fd), 0);
		fixture_start(r);
		if (store_check_schema(r->conn, &r->err) != 0 ||
		    fixture_find(r, &s, &found) != 0 ||
		    store_revoke_user(r->conn, NOW(r), STR("alice"), &s.id, &n,
				      &r->err) != 0)
			errors++;
		fixture_stop(r);
		fd = open(r->path, O_RDWR | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_ge(pwrite(fd, saved, sizeof(saved), at), 1);
		ck_assert_int_eq(ftruncate(fd, size), 0);
		ck_assert_int_eq(close(fd), 0);
		arena_reset(r->a);
	}
	ck_assert_int_gt(errors, 0);
	fixture_start(r);
	fixture_close(r);
}
END_TEST

/* A connection to the old file must not answer from it. */
START_TEST(replaced_file_is_noticed)
{
	struct fixture *r = fixture_open();
	struct session old, new;
	char wal[160], shm[160];
	bool found;

	fixture_migrate(r);
	old = fixture_create(r);
	fixture_stop(r);
	ck_assert_int_eq(rename(r->path, r->other), 0);
	fixture_start(r);
	fixture_migrate(r);
	new = fixture_create(r);
	/* An administrator must remove the -wal and -shm files of the service,
	 * too. */
	(void)snprintf(wal, sizeof(wal), "%s-wal", r->path);
	(void)snprintf(shm, sizeof(shm), "%s-shm", r->path);
	ck_assert_int_eq(unlink(wal), 0);
	ck_assert_int_eq(unlink(shm), 0);
	ck_assert_int_eq(rename(r->other, r->path), 0);
	OK(r, users_ping(r->users_conn, &r->err));
	/* A connection that only reads looks once in a second. */
	fixture_wait(r);
	OK(r, fixture_find(r, &new, &found));
	ck_assert(!found);
	OK(r, fixture_find(r, &old, &found));
	ck_assert(found);
	fixture_close(r);
}
END_TEST

/* A change that is acknowledged is in the file that has the name. */
START_TEST(a_write_notices_a_replaced_file_at_once)
{
	struct fixture *r = fixture_open();
	struct session s;
	bool ended, found;

	fixture_migrate(r);
	s = fixture_create(r);
	OK(r, fixture_find(r, &s, &found));
	ck_assert_int_eq(rename(r->path, r->other), 0);
	fixture_write(r->path, "", 0);
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, !ended);
	fixture_close(r);
}
END_TEST

/* When a volume is not mounted, "no such session" would be wrong. */
START_TEST(removed_file_is_not_created_again)
{
	struct fixture *r = fixture_open();
	struct session s;
	struct stat st;
	bool found;

	fixture_migrate(r);
	s = fixture_create(r);
	ck_assert_int_eq(rename(r->path, r->other), 0);
	fixture_wait(r);
	FAILS(r, fixture_find(r, &s, &found), ERR_UNAVAILABLE,
	      "the file is gone");
	ck_assert_int_eq(stat(r->path, &st), -1);
	ck_assert_int_eq(rename(r->other, r->path), 0);
	fixture_wait(r);
	OK(r, fixture_find(r, &s, &found));
	ck_assert(found);
	fixture_close(r);
}
END_TEST

/* The folder appears after the start, like a volume that is mounted late. */
START_TEST(late_folder_is_migrated)
{
	struct fixture *r = fixture_open();
	struct session s;
	bool found;

	ck_assert_int_eq(rmdir(r->folder), 0);
	FAILS(r, store_check_schema(r->conn, &r->err), ERR_UNAVAILABLE,
	      "folder does not exist");
	FAILS(r, users_check_schema(r->users_conn, &r->err), ERR_UNAVAILABLE,
	      "folder does not exist");
	ck_assert_int_eq(mkdir(r->folder, 0700), 0);
	fixture_wait(r);
	OK(r, store_ping(r->conn, &r->err));
	OK(r, users_ping(r->users_conn, &r->err));
	s = fixture_create(r);
	OK(r, fixture_find(r, &s, &found));
	ck_assert(found);
	fixture_close(r);
}
END_TEST

/* The file can be locked and written, but it has no tables. */
START_TEST(ping_reads_tables)
{
	struct fixture *r = fixture_open();

	fixture_migrate(r);
	OK(r, store_ping(r->conn, &r->err));
	OK(r, users_ping(r->users_conn, &r->err));
	fixture_sql(r->path, /* ping has left no row */
		    "INSERT INTO schema_version VALUES ('ping', 1);"
		    "DELETE FROM schema_version WHERE component = 'ping'");
	fixture_sql(r->path, "DROP TABLE sessions; DROP TABLE users");
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE,
	      "no such table: main.sessions");
	FAILS(r, users_ping(r->users_conn, &r->err), ERR_UNAVAILABLE,
	      "no such table: main.users");
	fixture_close(r);
}
END_TEST

/* An empty file in its place gets the schema, like at the first start. */
START_TEST(empty_file_in_its_place_is_migrated)
{
	struct fixture *r = fixture_open();
	struct session s;
	bool found;

	fixture_migrate(r);
	s = fixture_create(r);
	fixture_stop(r);
	fixture_start(r);
	fixture_migrate(r);
	ck_assert_int_eq(unlink(r->path), 0);
	fixture_write(r->path, "", 0);
	fixture_wait(r);
	OK(r, fixture_find(r, &s, &found));
	OK(r, users_ping(r->users_conn, &r->err));
	ck_assert(!found);
	(void)fixture_create(r);
	fixture_close(r);
}
END_TEST

/* Another process holds the write lock: a write fails after a bounded time, and
 * reads succeed at once. */
START_TEST(a_foreign_write_lock_is_bounded)
{
	struct fixture *r = fixture_open();
	struct rotated is = { .answer = ROTATE_FUTURE };
	struct rotation use = { .idle_ms = 60 };
	struct session s;
	sqlite3 *db;
	int64_t n;
	bool found;

	fixture_migrate(r);
	s = fixture_create(r);
	use.id = s.id;
	use.presented = s.token;
	ck_assert_int_eq(sqlite3_open(r->path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 SQLITE_OK);
	OK(r, fixture_find(r, &s, &found));
	ck_assert(found);
	FAILS(r, store_revoke_all(r->conn, NOW(r), &n, &r->err),
	      ERR_UNAVAILABLE, "locked");
	FAILS(r, store_rotate(r->conn, NOW(r), &use, &is, &r->err),
	      ERR_UNAVAILABLE, "locked");
	SAME(r, is.answer, ROTATE_FUTURE);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, "locked");
	OK(r, fixture_find(r, &s, &found));
	ck_assert(found);
	ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	/* The refused operations have not happened. */
	OK(r, store_rotate(r->conn, NOW(r), &use, &is, &r->err));
	SAME(r, is.answer, ROTATE_DONE);
	OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
	ck_assert_int_eq(n, 1);
	fixture_close(r);
}
END_TEST

/* On a full disk writes fail, reads succeed, and nothing is lost. */
START_TEST(a_full_disk_loses_nothing)
{
	struct fixture *r = fixture_open();
	struct rlimit limit;
	struct stat st;
	struct session s, more[64];
	char wal[160];
	bool found;
	int made = 0;

	fixture_migrate(r);
	s = fixture_create(r);
	(void)snprintf(wal, sizeof(wal), "%s-wal", r->path);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = (rlim_t)st.st_size + 65536;
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (made < 64) {
		more[made] = s;
		more[made].id.b[0] ^= (uint8_t)(made + 1);
		more[made].token.b[0] ^= (uint8_t)(made + 1);
		if (store_create(r->conn, NOW(r), &more[made], 0, NULL,
				 &r->err) != 0)
			break;
		made++;
	}
	ck_assert_int_lt(made, 64);
	ck_assert_msg(r->err.code == ERR_UNAVAILABLE, "%s", r->err.msg);
	/* A ping fails, too, although the file can be locked and read. The
	 * first pings use up the pages of the write that failed. */
	ck_assert_int_eq(stat(wal, &st), 0);
	limit.rlim_cur = (rlim_t)st.st_size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 64 && store_ping(r->conn, &r->err) == 0; i++)
		fixture_wait(r);
	fixture_wait(r);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, r->path);
	FAILS(r, users_ping(r->users_conn, &r->err), ERR_UNAVAILABLE, r->path);
	limit.rlim_cur = limit.rlim_max;
	fixture_wait(r);
	/* A write that failed was not acknowledged. */
	OK(r, fixture_find(r, &s, &found));
	ck_assert(found);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i <= made; i++) {
		OK(r, fixture_find(r, &more[i], &found));
		ck_assert_msg(found == (i < made), "row %d: found is %d", i,
			      found);
	}
	OK(r, store_ping(r->conn, &r->err));
	OK(r, users_ping(r->users_conn, &r->err));
	OK(r, store_create(r->conn, NOW(r), &more[made], 0, NULL, &r->err));
	fixture_close(r);
}
END_TEST

/* SQLite itself reports that no page is left. The connection stays in use, so
 * checks succeed with it. */
START_TEST(a_full_database_keeps_its_connection)
{
	const struct session_store_ops *ops = registry_store("sqlite");
	struct fixture *r = fixture_open();
	const struct sqlite_conf conf = { .path = r->path };
	struct session s, next;
	void *file, *conn;
	int made = 0;
	int64_t n;
	struct session_answer is;

	fixture_migrate(r);
	s = next = fixture_create(r);
	OK(r, ops->base.open(&conf, &r->fake.env, &file, &r->err));
	OK(r, ops->base.connect(file, &conn, &r->err));
	OK(r, sqlite_script(conn, "PRAGMA max_page_count = 1", &r->err));
	for (; made < 64; made++) {
		OK(r, env_random(&r->fake.env, &next.id, sizeof(next.id)));
		OK(r,
		   env_random(&r->fake.env, &next.token, sizeof(next.token)));
		if (ops->create(conn, NOW(r), &next, 0, &n, &r->err) != 0)
			break;
	}
	ck_assert_int_lt(made, 64);
	ck_assert_msg(r->err.code == ERR_BUSY &&
			  strstr(r->err.msg, "full") != NULL,
		      "%d: %s", r->err.code, r->err.msg);
	OK(r, ops->find(conn, NOW(r), &next.id, &next.token, &is, &r->err));
	HOLDS(r, !is.found);
	OK(r, ops->find(conn, NOW(r), &s.id, &s.token, &is, &r->err));
	HOLDS(r, is.found);
	OK(r, ops->revoke_all(conn, NOW(r), &n, &r->err));
	SAME(r, n, made + 1);
	OK(r, ops->create(conn, NOW(r), &next, 0, &n, &r->err));
	ops->base.disconnect(conn);
	ops->base.close(file);
	fixture_close(r);
}
END_TEST

START_TEST(a_read_only_file_is_reported)
{
	struct fixture *r = fixture_open();

	fixture_migrate(r);
	(void)fixture_create(r);
	fixture_stop(r);
	ck_assert_int_eq(chmod(r->path, 0444), 0);
	ck_assert_int_eq(chmod(r->folder, 0755), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	fixture_start(r);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, "not writable");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	fixture_wait(r);
	ck_assert_int_eq(chmod(r->path, 0600), 0);
	OK(r, store_ping(r->conn, &r->err));
	fixture_close(r);
}
END_TEST

/* SQLite needs two more files in the folder. */
START_TEST(a_read_only_folder_is_reported)
{
	const uid_t nobody = 65534;
	struct fixture *r = fixture_open();

	fixture_migrate(r);
	fixture_stop(r);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(r->path, nobody, (gid_t)-1), 0);
	ck_assert_int_eq(chmod(r->folder, 0555), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(nobody), 0);
	fixture_start(r);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, r->path);
	FAILS(r, users_ping(r->users_conn, &r->err), ERR_UNAVAILABLE, r->path);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chmod(r->folder, 0700), 0);
	fixture_wait(r);
	OK(r, store_ping(r->conn, &r->err));
	OK(r, users_ping(r->users_conn, &r->err));
	fixture_close(r);
}
END_TEST

/* The file becomes read-only while it is in use. The connection stays in use.
 */
START_TEST(ping_reports_a_file_that_became_read_only)
{
	const struct session_store_ops *ops = registry_store("sqlite");
	struct fixture *r = fixture_open();
	const struct sqlite_conf conf = { .path = r->path };
	struct session_answer is;
	struct session s;
	void *file, *conn;

	fixture_migrate(r);
	s = fixture_create(r);
	OK(r, ops->base.open(&conf, &r->fake.env, &file, &r->err));
	OK(r, ops->base.connect(file, &conn, &r->err));
	OK(r, ops->base.ping(conn, &r->err));
	OK(r, sqlite_script(conn, "PRAGMA query_only = ON", &r->err));
	FAILS(r, ops->base.ping(conn, &r->err), ERR_UNAVAILABLE, "readonly");
	OK(r, ops->find(conn, NOW(r), &s.id, &s.token, &is, &r->err));
	HOLDS(r, is.found);
	OK(r, sqlite_script(conn, "PRAGMA query_only = OFF", &r->err));
	OK(r, ops->base.ping(conn, &r->err));
	ops->base.disconnect(conn);
	ops->base.close(file);
	fixture_close(r);
}
END_TEST

TCase *
sqlite_fault_cases(void)
{
	TCase *t = new_case("faults");

	tcase_add_test(t, a_damaged_file_causes_no_crash);
	tcase_add_test(t, replaced_file_is_noticed);
	tcase_add_test(t, a_write_notices_a_replaced_file_at_once);
	tcase_add_test(t, removed_file_is_not_created_again);
	tcase_add_test(t, late_folder_is_migrated);
	tcase_add_test(t, ping_reads_tables);
	tcase_add_test(t, empty_file_in_its_place_is_migrated);
	tcase_add_test(t, a_foreign_write_lock_is_bounded);
	tcase_add_test(t, a_full_disk_loses_nothing);
	tcase_add_test(t, a_full_database_keeps_its_connection);
	tcase_add_test(t, a_read_only_file_is_reported);
	tcase_add_test(t, a_read_only_folder_is_reported);
	tcase_add_test(t, ping_reports_a_file_that_became_read_only);
	return t;
}
