/* SPDX-License-Identifier: MIT */
/* Opens the server and the store for the cases of Postgres. */
#include "tests/contract/postgres/rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct user_source_ops users_postgres;

struct postgres_server_place shared_place;

static struct postgres_conf
conf_of(const struct rig *r, const char *conninfo)
{
	return (struct postgres_conf){ .conninfo = str_from(conninfo),
				       .connect_timeout = 2,
				       .timeout = r->timeout };
}

void
rig_second(struct rig *r, const char *conninfo, struct backend **s,
	   struct store_link **l)
{
	const struct postgres_conf conf = conf_of(r, conninfo);

	OK(r, store_open(&store_postgres, &conf, &r->fake.env, s, &r->err));
	*l = store_link_new(&r->fake.env);
	ck_assert_ptr_nonnull(*l);
	store_link_bind(*l, *s);
}

void
rig_start(struct rig *r)
{
	rig_second(r, r->conninfo, &r->store, &r->l);
}

void
rig_stop(struct rig *r)
{
	store_link_free(r->l);
	backend_unref(r->store);
}

struct rig *
rig_open(unsigned flags, const char *more)
{
	struct rig *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->name = "postgres";
	r->timeout = 5;
	r->place = &shared_place;
	if ((flags & RIG_OWN_SERVER) != 0) {
		r->place = &r->own;
		ck_assert(postgres_server_new(r->place));
	}
	fake_env_init(&r->fake);
	r->now = env_wall_ms(&r->fake.env);
	(void)snprintf(r->conninfo, sizeof(r->conninfo), "%s %s",
		       r->place->conninfo, more);
	postgres_server_sql(r->place, "DROP SCHEMA IF EXISTS fcgiauth CASCADE");
	r->a = arena_new(1 << 20);
	ck_assert_ptr_nonnull(r->a);
	rig_start(r);
	if ((flags & RIG_NO_SCHEMA) == 0) {
		OK(r, store_migrate(r->l, &r->err));
		OK(r, store_check_schema(r->l, &r->err));
	}
	return r;
}

void
rig_close(struct rig *r)
{
	rig_stop(r);
	arena_free(r->a);
	if (r->place == &r->own)
		postgres_server_free(r->place);
	free(r);
}

void
rig_wait(struct rig *r)
{
	fake_env_advance_ms(&r->fake, 2000);
}

struct session
rig_create(struct rig *r)
{
	struct session s = { .who = { .name = STR("alice") },
			     .created_ms = r->now,
			     .last_seen_ms = r->now,
			     .idle_expires_ms = r->now + 60000,
			     .expires_ms = r->now + 60000 };

	ck_assert_int_eq(env_random(&r->fake.env, &s.id, sizeof(s.id)), 0);
	ck_assert_int_eq(env_random(&r->fake.env, &s.token, sizeof(s.token)),
			 0);
	OK(r, store_create(r->l, &s, 0, r->now, NULL, &r->err));
	return s;
}

int
rig_find(struct rig *r, const struct session *s, bool *found)
{
	struct session got;

	return store_find(r->l, r->a, &s->id, &s->token, r->now, found, &got,
			  &r->err);
}

void
bare_open(struct rig *r, const char *const *steps, size_t nsteps,
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
	b->l = conn;
}

void
bare_close(struct bare *b)
{
	postgres_disconnect(b->l);
	postgres_close(b->server);
}

static void
set(void *conf, const char *name, const void *value, size_t n)
{
	const struct option *o =
	    option_find(users_postgres.base.driver.options, str_from(name));

	ck_assert_ptr_nonnull(o);
	memcpy((char *)conf + o->offset, value, n);
}

int
rig_try_users(struct rig *r, struct str conninfo, struct str query,
	      struct backend **out)
{
	void *conf = calloc(1, users_postgres.base.driver.conf_size);
	const int64_t seconds = 20;
	int result;

	ck_assert_ptr_nonnull(conf);
	set(conf, "conninfo", &conninfo, sizeof(conninfo));
	set(conf, "query", &query, sizeof(query));
	set(conf, "connect_timeout", &seconds, sizeof(seconds));
	set(conf, "timeout", &seconds, sizeof(seconds));
	result = users_open(&users_postgres, conf, &r->fake.env, out, &r->err);
	free(conf);
	return result;
}

struct backend *
rig_users(struct rig *r, const char *query)
{
	struct backend *u;

	OK(r, rig_try_users(r, str_from(r->conninfo), str_from(query), &u));
	return u;
}

PGconn *
rig_foreign(const struct rig *r)
{
	PGconn *c = PQconnectdb(r->place->conninfo);

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
