/* SPDX-License-Identifier: MIT */
/* Opens the server and the store for the PostgreSQL cases. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/set_option.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct user_source_ops users_postgres;

struct test_postgres shared_server;

static struct postgres_conf
conf_of(const struct fixture *r, const char *conninfo)
{
	return (struct postgres_conf){ .conninfo = str_from(conninfo),
				       .connect_timeout = 2,
				       .timeout = r->timeout };
}

void
fixture_second(struct fixture *r, const char *conninfo, struct backend **s,
	       struct store_conn **l)
{
	const struct postgres_conf conf = conf_of(r, conninfo);

	OK(r, store_open(&store_postgres, &conf, &r->fake.env, s, &r->err));
	*l = store_conn_new(&r->fake.env);
	ck_assert_ptr_nonnull(*l);
	store_conn_bind(*l, *s);
}

void
fixture_start(struct fixture *r)
{
	fixture_second(r, r->conninfo, &r->store, &r->conn);
}

void
fixture_stop(struct fixture *r)
{
	store_conn_free(r->conn);
	backend_unref(r->store);
}

struct fixture *
fixture_open(unsigned flags, const char *more)
{
	struct fixture *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->name = "postgres";
	r->timeout = 5;
	r->server = &shared_server;
	if ((flags & FIXTURE_OWN_SERVER) != 0) {
		r->server = &r->own;
		ck_assert(postgres_server_new(r->server));
	}
	fake_env_init(&r->fake);
	r->now = env_wall_ms(&r->fake.env);
	(void)snprintf(r->conninfo, sizeof(r->conninfo), "%s %s",
		       r->server->conninfo, more);
	postgres_server_sql(r->server,
			    "DROP SCHEMA IF EXISTS fcgiauth CASCADE");
	r->a = arena_new(1 << 20);
	ck_assert_ptr_nonnull(r->a);
	fixture_start(r);
	if ((flags & FIXTURE_NO_SCHEMA) == 0) {
		OK(r, store_migrate(r->conn, &r->err));
		OK(r, store_check_schema(r->conn, &r->err));
	}
	return r;
}

void
fixture_close(struct fixture *r)
{
	fixture_stop(r);
	arena_free(r->a);
	if (r->server == &r->own)
		postgres_server_free(r->server);
	free(r);
}

void
fixture_wait(struct fixture *r)
{
	fake_env_advance_ms(&r->fake, 2000);
}

void
bare_open(struct fixture *r, const char *const *steps, size_t nsteps,
	  struct bare *b)
{
	const struct postgres_conf conf = conf_of(r, r->conninfo);
	void *conn;

	b->spec = (struct postgres_spec){ .component = "probe",
					  .steps = steps,
					  .nsteps = nsteps };
	OK(r,
	   postgres_open(&b->spec, &conf, &r->fake.env, &b->server, &r->err));
	OK(r, postgres_connect(b->server, &conn, &r->err));
	b->pg = conn;
}

void
bare_close(struct bare *b)
{
	postgres_disconnect(b->pg);
	postgres_close(b->server);
}

int
fixture_try_users(struct fixture *r, const char *conninfo, struct str query,
		  struct backend **out)
{
	void *conf = calloc(1, users_postgres.base.driver.conf_size);
	const struct option *options = users_postgres.base.driver.options;
	int result;

	ck_assert_ptr_nonnull(conf);
	postgres_server_set(options, conf, conninfo);
	SET_OPTION(options, conf, "query", query);
	result = users_open(&users_postgres, conf, &r->fake.env, out, &r->err);
	free(conf);
	return result;
}

struct backend *
fixture_users(struct fixture *r, const char *query)
{
	struct backend *u;

	OK(r, fixture_try_users(r, r->conninfo, str_from(query), &u));
	return u;
}

PGconn *
fixture_foreign(const struct fixture *r)
{
	PGconn *c = PQconnectdb(r->server->conninfo);

	ck_assert_msg(PQstatus(c) == CONNECTION_OK, "%s", PQerrorMessage(c));
	return c;
}

void
foreign_do(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);
	ExecStatusType status = PQresultStatus(r);

	ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK,
		      "%s: %s", sql, PQerrorMessage(c));
	PQclear(r);
}
