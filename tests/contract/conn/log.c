/* SPDX-License-Identifier: MIT */
/* Log lines about a store: lost, restored, slow, damaged. */
#include "strategy/store.h"
#include "tests/contract/conn/log.h"
#include "tests/support/call.h"
#include "tests/support/fake_env.h"
#include "tests/support/store_faulty.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct session_store_ops store_memory;

struct fixture {
	struct fake_env fake;
	struct store_faulty faulty;
	struct backend *store;
	struct store_conn *conn, *second;
	struct arena *a;
	struct log log;
	FILE *said;
	struct err err;
};

static struct fixture fixture, *const r = &fixture;

static void
open_store(void)
{
	ck_assert_int_eq(store_open(&r->faulty.ops, &r->faulty, &r->fake.env,
				    &r->store, &r->err),
			 0);
	store_conn_bind(r->conn, r->store);
	store_conn_bind(r->second, r->store);
}

static void
setup(void)
{
	*r = (struct fixture){ .a = arena_new(1 << 20), .said = tmpfile() };
	ck_assert(r->a != NULL && r->said != NULL);
	fake_env_init(&r->fake);
	r->log = (struct log){ .fd = fileno(r->said),
			       .level = LOG_DEBUG,
			       .wall_ms = r->fake.env.clock.wall_ms,
			       .ctx = r->fake.env.clock.ctx };
	r->fake.env.log = &r->log;
	store_faulty_init(&r->faulty, &store_memory, NULL);
	r->conn = store_conn_new(&r->fake.env);
	r->second = store_conn_new(&r->fake.env);
	ck_assert(r->conn != NULL && r->second != NULL);
}

static void
teardown(void)
{
	store_conn_free(r->conn);
	store_conn_free(r->second);
	backend_unref(r->store);
	arena_free(r->a);
	ck_assert_int_eq(fclose(r->said), 0);
}

/* Tests that the log since the last call is one line with this event, or empty.
 */
static void
says(const char *event, const char *fields)
{
	char text[4096] = "", *end;

	ck_assert_int_ge(pread(r->log.fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_int_eq(ftruncate(r->log.fd, 0), 0);
	ck_assert_int_eq(lseek(r->log.fd, 0, SEEK_SET), 0);
	if (event == NULL) {
		ck_assert_str_eq(text, "");
		return;
	}
	ck_assert_msg(strstr(text, event) != NULL &&
			  strstr(text, fields) != NULL,
		      "%s", text);
	end = strchr(text, '\n');
	ck_assert_msg(end != NULL && end[1] == '\0', "%s", text);
}

/* The first connection that notices it logs the loss, and the first that
 * succeeds logs the end. */
START_TEST(a_loss_and_its_end_are_logged_once)
{
	open_store();
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	ck_assert_int_eq(store_ping(r->second, &r->err), 0);
	says(NULL, NULL);
	store_faulty_fail(&r->faulty, 1, true);
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	says("backend_lost", "section=store driver=memory reason=");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(store_ping(r->second, &r->err), -1);
		ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
		fake_env_advance_ms(&r->fake, 100);
	}
	says(NULL, NULL);
	store_faulty_fail(&r->faulty, 0, false);
	fake_env_advance_ms(&r->fake, 400);
	ck_assert_int_eq(store_ping(r->second, &r->err), 0);
	says("backend_back", "section=store driver=memory after_ms=700");
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	says(NULL, NULL);
}
END_TEST

static int64_t took_ms;

static int
takes_long(void *conn, struct err *err)
{
	(void)conn;
	(void)err;
	fake_env_advance_ms(&r->fake, took_ms);
	return 0;
}

START_TEST(slow_operations_are_logged)
{
	r->faulty.ops.base.ping = takes_long;
	open_store();
	took_ms = 499;
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	says(NULL, NULL);
	took_ms = 500;
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	says("backend_slow",
	     "section=store driver=memory operation=ping ms=500");
}
END_TEST

static bool
is_lost(void *conn, bool ask)
{
	(void)conn;
	(void)ask;
	return true;
}

/* A connection that ended while idle is logged at the level debug only. */
START_TEST(a_replaced_idle_connection_is_logged)
{
	r->faulty.ops.base.is_lost = is_lost;
	open_store();
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	says(NULL, NULL);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	says("backend_reconnects",
	     "operation=ping reason=\"the connection has ended");
	r->log.level = LOG_INFO;
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	says(NULL, NULL);
}
END_TEST

static int64_t version;

static int
schema(void *conn, struct schema_state *out, struct err *err)
{
	(void)conn;
	(void)err;
	*out = (struct schema_state){ .have = version, .want = 4 };
	return 0;
}

static int
migrate(void *conn, struct err *err)
{
	(void)conn;
	(void)err;
	version = 4;
	return 0;
}

START_TEST(migration_is_logged)
{
	version = 3;
	r->faulty.ops.base.driver.caps = BACKEND_EMBEDDED;
	r->faulty.ops.base.schema = schema;
	r->faulty.ops.base.migrate = migrate;
	open_store();
	ck_assert_int_eq(store_check_schema(r->conn, &r->err), 0);
	says("schema_migrated", "section=store driver=memory from=3 to=4");
	ck_assert_int_eq(version, 4);
	ck_assert_int_eq(store_check_schema(r->conn, &r->err), 0);
	says(NULL, NULL);
}
END_TEST

/* The number of damaged sessions before a valid one. The id of each is its
 * number. */
static size_t ndamaged;

static int
list(void *conn, const struct call *c, const struct session_query *q,
     struct session_cursor *cursor, struct session_list *out, struct err *err)
{
	struct session_list made = { .n = ndamaged + 1 };

	(void)conn;
	(void)cursor;
	(void)err;
	ck_assert_uint_le(made.n, q->limit);
	made.v = arena_array(c->arena, made.n, sizeof(*made.v));
	ck_assert_ptr_nonnull(made.v);
	for (size_t i = 0; i < made.n; i++)
		made.v[i] = (struct session){
			.id = { .b = { (uint8_t)i } },
			.damage = i < ndamaged ? "roles" : NULL,
		};
	*out = made;
	return 0;
}

/* At most ten damaged sessions are logged for one list, with their ids. The
 * valid ones are listed. */
START_TEST(damaged_sessions_are_logged)
{
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list got;
	char text[8192] = "";
	int lines = 0;

	r->faulty.ops.list = list;
	open_store();
	ndamaged = 1;
	ck_assert_int_eq(store_list(r->conn, AT(r, 0), LISTED(STR("a"), 9),
				    &cursor, &got, &r->err),
			 0);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_eq(got.v[0].id.b[0], 1);
	says("session_damaged", "driver=memory session="
				"00000000000000000000000000000000 field=roles");
	ndamaged = 12;
	ck_assert_int_eq(store_list(r->conn, AT(r, 0), LISTED(STR("a"), 99),
				    &cursor, &got, &r->err),
			 0);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_eq(got.v[0].id.b[0], 12);
	ck_assert_int_gt(pread(r->log.fd, text, sizeof(text) - 1, 0), 0);
	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	ck_assert_int_eq(lines, 10);
}
END_TEST

TCase *
conn_log_cases(void)
{
	TCase *t = new_case("log");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_loss_and_its_end_are_logged_once);
	tcase_add_test(t, slow_operations_are_logged);
	tcase_add_test(t, a_replaced_idle_connection_is_logged);
	tcase_add_test(t, migration_is_logged);
	tcase_add_test(t, damaged_sessions_are_logged);
	return t;
}
