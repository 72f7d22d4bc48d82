/* SPDX-License-Identifier: MIT */
/* Opens the file for the SQLite cases. */
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/set_option.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct session_store_ops store_sqlite;
extern const struct user_source_ops users_sqlite;

static void *
configure(const struct driver *driver, const char *path)
{
	void *conf = calloc(1, driver->conf_size);

	ck_assert_ptr_nonnull(conf);
	SET_OPTION(driver->options, conf, "path", path);
	return conf;
}

void
fixture_start(struct fixture *r)
{
	const struct env *env = &r->fake.env;
	void *store = configure(&store_sqlite.base.driver, r->path);
	void *users = configure(&users_sqlite.base.driver, r->path);

	OK(r, store_open(&store_sqlite, store, env, &r->store, &r->err));
	OK(r, users_open(&users_sqlite, users, env, &r->users, &r->err));
	free(store);
	free(users);
	r->conn = store_conn_new(env);
	r->users_conn = users_conn_new(env);
	ck_assert(r->conn != NULL && r->users_conn != NULL);
	store_conn_bind(r->conn, r->store);
	users_conn_bind(r->users_conn, r->users);
}

void
fixture_stop(struct fixture *r)
{
	store_conn_free(r->conn);
	users_conn_free(r->users_conn);
	backend_unref(r->store);
	backend_unref(r->users);
}

struct fixture *
fixture_open(void)
{
	struct fixture *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->name = "sqlite";
	fake_env_init(&r->fake);
	r->now = env_wall_ms(&r->fake.env);
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/fcgiauth-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->folder));
	(void)snprintf(r->path, sizeof(r->path), "%s/test.db", r->folder);
	(void)snprintf(r->other, sizeof(r->other), "%s/other.db", r->folder);
	r->a = arena_new(1 << 20);
	ck_assert_ptr_nonnull(r->a);
	fixture_start(r);
	return r;
}

void
fixture_close(struct fixture *r)
{
	static const char *const names[] = { "test.db",	     "test.db-wal",
					     "test.db-shm",  "other.db",
					     "other.db-wal", "other.db-shm" };
	char path[128];

	fixture_stop(r);
	arena_free(r->a);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->folder,
			       names[i]);
		(void)unlink(path); /* some cases leave none */
	}
	ck_assert_int_eq(rmdir(r->folder), 0);
	free(r);
}

void
fixture_migrate(struct fixture *r)
{
	OK(r, store_check_schema(r->conn, &r->err));
	OK(r, users_check_schema(r->users_conn, &r->err));
}

void
fixture_wait(struct fixture *r)
{
	fake_env_advance_ms(&r->fake, 1000);
}

void
fixture_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

void
fixture_sql(const char *path, const char *text)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK,
		      "%s: %s", text, sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
