/* SPDX-License-Identifier: MIT */
/* Failures of a server in use. Each results in ERR_UNAVAILABLE in bounded time,
 * and operations work again when the server does. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <signal.h>
#include <stdio.h>

START_TEST(a_restart_of_the_server_is_survived)
{
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct session s = fixture_create(r);
	bool found;

	for (int i = 0; i < 2; i++) {
		postgres_server_stop(r->server, i == 0 ? SIGINT : SIGQUIT);
		FAILS(r, fixture_find(r, &s, &found), ERR_UNAVAILABLE, "");
		fixture_wait(r);
		FAILS(r, fixture_find(r, &s, &found), ERR_UNAVAILABLE,
		      "failed");
		fixture_wait(r);
		FAILS(r, store_check_schema(r->conn, &r->err), ERR_UNAVAILABLE,
		      "");
		postgres_server_start(r->server);
		fixture_wait(r);
		OK(r, fixture_find(r, &s, &found));
		HOLDS(r, found);
	}
	fixture_close(r);
}
END_TEST

START_TEST(a_server_may_start_later)
{
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct session s = fixture_create(r);
	bool found;

	fixture_stop(r);
	postgres_server_stop(r->server, SIGINT);
	fixture_start(r);
	FAILS(r, store_check_schema(r->conn, &r->err), ERR_UNAVAILABLE,
	      "failed");
	postgres_server_start(r->server);
	fixture_wait(r);
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	fixture_close(r);
}
END_TEST

/* Neither existing nor new connections wait for long. */
START_TEST(waits_for_a_stopped_server_are_bounded)
{
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct session s = fixture_create(r);
	bool found, ended;

	r->timeout = 1;
	fixture_stop(r);
	fixture_start(r);
	OK(r, fixture_find(r, &s, &found));
	process_signal_all(&r->server->process, SIGSTOP);
	/* A new connection gets no answer either. */
	FAILS(r, fixture_find(r, &s, &found), ERR_UNAVAILABLE,
	      "timeout expired");
	fixture_wait(r);
	FAILS(r, fixture_find(r, &s, &found), ERR_UNAVAILABLE,
	      "timeout expired");
	process_signal_all(&r->server->process, SIGCONT);
	fixture_wait(r);
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);

	/* A write is not sent. */
	process_signal_all(&r->server->process, SIGSTOP);
	FAILS(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err),
	      ERR_UNAVAILABLE, "timeout expired");
	process_signal_all(&r->server->process, SIGCONT);
	fixture_wait(r);
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, ended);
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, !found);
	fixture_close(r);
}
END_TEST

static const char terminate[] =
    "SELECT pg_catalog.pg_terminate_backend(pid)"
    " FROM pg_catalog.pg_stat_activity WHERE application_name = 'fcgiauth'";

static int
end_ourselves(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct fixture *r = ctx;
	int64_t n;

	if (postgres_change(pg, "DELETE FROM fcgiauth.sessions", NULL, 0, &n,
			    err) != 0)
		return -1;
	postgres_server_sql(r->server, terminate);
	return postgres_change(pg, "DELETE FROM fcgiauth.secrets", NULL, 0, &n,
			       err);
}

START_TEST(a_lost_transaction_changes_nothing)
{
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct session s = fixture_create(r);
	struct bare b;
	bool found;

	bare_open(r, NULL, 0, &b);
	FAILS(r, postgres_transaction(b.pg, end_ourselves, r, &r->err),
	      ERR_UNAVAILABLE, "");
	bare_close(&b);
	fixture_stop(r);
	fixture_start(r);
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	fixture_close(r);
}
END_TEST

/* The timeout of the server ends the wait, or ours if that of the server is
 * off. */
START_TEST(waits_for_a_foreign_lock_are_bounded)
{
	static const struct {
		const char *more, *says;
	} rows[] = {
		{ "", "lock timeout" },
		{ "options='-c lock_timeout=0'", "no answer within 1 s" },
		{ "options='-c statement_timeout=300ms'", "statement timeout" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *r = fixture_open(0, rows[i].more);
		struct session s = fixture_create(r);
		PGconn *c = fixture_foreign(r);
		bool found, ended;

		r->timeout = 1;
		fixture_stop(r);
		fixture_start(r);
		foreign_do(c, "BEGIN");
		foreign_do(c, "LOCK TABLE fcgiauth.sessions");
		FAILS(r, fixture_find(r, &s, &found), ERR_UNAVAILABLE,
		      rows[i].says);
		fixture_wait(r);
		FAILS(r, store_create(r->conn, NOW(r), &s, 3, NULL, &r->err),
		      ERR_UNAVAILABLE, rows[i].says);
		foreign_do(c, "ROLLBACK");
		fixture_wait(r);
		OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
		HOLDS(r, ended);
		PQfinish(c);
		fixture_close(r);
	}
}
END_TEST

/* The server cancels the statement before the service gives up the connection.
 */
START_TEST(a_slow_statement_is_cancelled)
{
	struct fixture *r = fixture_open(0, "");
	struct bare b;
	int64_t n;

	r->timeout = 1;
	bare_open(r, NULL, 0, &b);
	for (int i = 0; i < 3; i++)
		FAILS(r,
		      postgres_change(b.pg, "SELECT pg_catalog.pg_sleep(9)",
				      NULL, 0, &n, &r->err),
		      ERR_BUSY, "statement timeout");
	OK(r, postgres_ping(b.pg, &r->err));
	bare_close(&b);
	fixture_close(r);
}
END_TEST

static int
sleep_long(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct fixture *r = ctx;
	int64_t n;

	for (;;) {
		if (postgres_change(pg, "SELECT pg_catalog.pg_sleep(0.7)", NULL,
				    0, &n, err) != 0)
			return -1;
		fake_env_advance_ms(&r->fake, 700);
	}
}

/* A slow transaction is bounded, and does not end the connection. */
START_TEST(a_slow_transaction_is_bounded)
{
	struct fixture *r = fixture_open(0, "");
	int64_t begin_ms = env_mono_ms(&r->fake.env);
	struct bare b;

	r->timeout = 1;
	bare_open(r, NULL, 0, &b);
	FAILS(r, postgres_transaction(b.pg, sleep_long, r, &r->err), ERR_BUSY,
	      "no time is left");
	SAME(r, env_mono_ms(&r->fake.env) - begin_ms, 1400);
	OK(r, postgres_ping(b.pg, &r->err));
	bare_close(&b);
	fixture_close(r);
}
END_TEST

/* A lock on the row of one session does not affect the others. */
START_TEST(a_locked_row_affects_no_other)
{
	struct fixture *r = fixture_open(0, "");
	struct session s = fixture_create(r), other = fixture_create(r);
	PGconn *c = fixture_foreign(r);
	bool found, ended;

	r->timeout = 1;
	fixture_stop(r);
	fixture_start(r);
	foreign_do(c, "BEGIN");
	foreign_do(c, "UPDATE fcgiauth.sessions SET remember = true"
		      " WHERE id = (SELECT id FROM fcgiauth.sessions"
		      " ORDER BY ctid LIMIT 1)");
	OK(r, fixture_find(r, &s, &found));
	HOLDS(r, found);
	FAILS(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err),
	      ERR_UNAVAILABLE, "lock timeout");
	/* The connection stays in use, without a back-off. */
	OK(r, store_revoke(r->conn, NOW(r), &other.id, &ended, &r->err));
	HOLDS(r, ended);
	foreign_do(c, "COMMIT");
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, ended);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

/* Not every caller checks the settings before it opens the store. */
START_TEST(invalid_settings_cannot_be_opened)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	const char *const conninfo = "hots=db1";
	const struct postgres_conf conf = { .conninfo = str_from(conninfo) };
	struct backend *s = NULL;
	struct backend *u = NULL;

	FAILS(r, store_open(&store_postgres, &conf, &r->fake.env, &s, &r->err),
	      ERR_CONFIG, "hots");
	ck_assert_ptr_null(s);
	FAILS(r, fixture_try_users(r, conninfo, STR(""), &u), ERR_CONFIG,
	      "hots");
	FAILS(r, fixture_try_users(r, conninfo, STR("SELECT $1"), &u),
	      ERR_CONFIG, "hots");
	ck_assert_ptr_null(u);
	fixture_close(r);
}
END_TEST

/* The server becomes read-only while it is in use. */
START_TEST(ping_reports_a_server_that_became_read_only)
{
	struct fixture *r = fixture_open(FIXTURE_OWN_SERVER, "");
	struct session s = fixture_create(r);
	bool found, ended;

	OK(r, store_ping(r->conn, &r->err));
	postgres_server_sql(r->server,
			    "ALTER SYSTEM SET default_transaction_read_only"
			    " = on");
	postgres_server_stop(r->server, SIGINT);
	postgres_server_start(r->server);
	OK(r, fixture_find(r, &s, &found));
	FAILS(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err),
	      ERR_UNAVAILABLE, "read-only");
	fixture_wait(r);
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, "read-only");
	fixture_close(r);
}
END_TEST

struct pooler {
	char folder[64], ini[80], log[80], conninfo[160], program[128];
	struct process process;
};

static bool
pooler_is_ready(void *ctx)
{
	const struct pooler *p = ctx;

	return PQping(p->conninfo) == PQPING_OK;
}

/* Starts PgBouncer in transaction mode with default settings, which accept no
 * options. */
static bool
pooler_start(struct pooler *p, const struct fixture *r)
{
	int port = process_free_port();
	FILE *f;

	*p = (struct pooler){ .folder = "" };
	if (!process_find("pgbouncer", p->program, sizeof(p->program)))
		return false;
	process_folder(p->folder, sizeof(p->folder));
	(void)snprintf(p->ini, sizeof(p->ini), "%s/ini", p->folder);
	(void)snprintf(p->log, sizeof(p->log), "%s/log", p->folder);
	(void)snprintf(p->conninfo, sizeof(p->conninfo),
		       "host=%s port=%d user=postgres dbname=postgres",
		       p->folder, port);
	f = fopen(p->ini, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(fprintf(f,
				 "[databases]\n"
				 "postgres = host=%s port=%d user=postgres\n"
				 "[pgbouncer]\n"
				 "listen_addr =\n"
				 "listen_port = %d\n"
				 "unix_socket_dir = %s\n"
				 "auth_type = any\n"
				 "pool_mode = transaction\n"
				 "default_pool_size = 3\n",
				 r->server->folder, r->server->port, port,
				 p->folder),
			 0);
	ck_assert_int_eq(fclose(f), 0);
	process_start(&p->process,
		      &(struct process_spec){
			  .argv =
			      (const char *const[]){ p->program, p->ini, NULL },
			  .log = p->log,
			  .unprivileged = true });
	ck_assert_msg(process_wait(&p->process, pooler_is_ready, p, 20000),
		      "pgbouncer does not start: see %s", p->log);
	return true;
}

START_TEST(all_operations_work_behind_a_pooler)
{
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	struct backend *store;
	struct store_conn *conn[8]; /* more than the pooler has */
	struct rotation use = { .idle_ms = 1000 };
	struct session_answer got;
	struct rotated is;
	struct session s;
	struct pooler p;

	if (!pooler_start(&p, r)) {
		fixture_close(r);
		return; /* not installed */
	}
	fixture_stop(r);
	(void)snprintf(r->conninfo, sizeof(r->conninfo), "%s", p.conninfo);
	fixture_start(r);
	OK(r, store_migrate(r->conn, &r->err));
	OK(r, store_check_schema(r->conn, &r->err));
	s = fixture_create(r);
	for (size_t i = 0; i < ARRAY_LEN(conn); i++) {
		fixture_second(r, r->conninfo, &store, &conn[i]);
		backend_unref(store);
	}
	for (size_t i = 0; i < 10 * ARRAY_LEN(conn); i++) {
		struct store_conn *one = conn[i % ARRAY_LEN(conn)];
		struct session new = s;

		new.id.b[15] ^= (uint8_t)(i + 1);
		new.token.b[31] ^= (uint8_t)(i + 1);
		OK(r, store_find(one, NOW(r), &s.id, &s.token, &got, &r->err));
		HOLDS(r, got.found);
		OK(r, store_create(one, NOW(r), &new, 1000, NULL, &r->err));
		use.presented = new.token;
		use.next = new.token;
		use.next.b[0] ^= 0xff;
		use.id = new.id;
		OK(r, store_rotate(one, NOW(r), &use, &is, &r->err));
		SAME(r, is.answer, ROTATE_DONE);
		arena_reset(r->a);
	}
	for (size_t i = 0; i < ARRAY_LEN(conn); i++)
		store_conn_free(conn[i]);
	fixture_close(r);
	process_stop(&p.process, SIGINT);
	process_remove(p.folder);
}
END_TEST

TCase *
postgres_fault_cases(void)
{
	TCase *t = new_case("faults");

	tcase_add_test(t, a_restart_of_the_server_is_survived);
	tcase_add_test(t, a_server_may_start_later);
	tcase_add_test(t, waits_for_a_stopped_server_are_bounded);
	tcase_add_test(t, a_lost_transaction_changes_nothing);
	tcase_add_test(t, waits_for_a_foreign_lock_are_bounded);
	tcase_add_test(t, a_slow_statement_is_cancelled);
	tcase_add_test(t, a_slow_transaction_is_bounded);
	tcase_add_test(t, a_locked_row_affects_no_other);
	tcase_add_test(t, invalid_settings_cannot_be_opened);
	tcase_add_test(t, ping_reports_a_server_that_became_read_only);
	tcase_add_test(t, all_operations_work_behind_a_pooler);
	return t;
}
