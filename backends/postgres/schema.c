/* SPDX-License-Identifier: MIT */
/*
 * The schema of one component in a Postgres database: its version and its
 * migrations. A process that migrates locks the row with the version of the
 * component; a second process waits for the lock and finds nothing to do.
 */
#include "backends/postgres/conn_internal.h"
#include "strategy/health.h"

#include <string.h>

#define MIGRATE_MS (30 * 60 * 1000) /* a step may rewrite a large table */
#define RACES_MAX  20

static struct str
component(const struct postgres_conn *pg)
{
	return str_from(pg->server->spec->component);
}

static bool
state_is(const struct postgres_conn *pg, const char *state)
{
	return strcmp(pg->state, state) == 0;
}

static int
postgres_schema_read_version(struct postgres_conn *pg, int64_t *version,
			     struct err *err)
{
	int64_t found = 0;
	struct err why;
	PGresult *r;
	int result = 0;

	if (postgres_query(pg,
			   "SELECT version FROM fcgiauth.schema_version"
			   " WHERE component = $1",
			   PG_ARGS(PG_TEXT(component(pg))), &r, &why) != 0) {
		/* There is no such table or no such schema. */
		if (!state_is(pg, "42P01") && !state_is(pg, "3F000")) {
			*err = why;
			return -1;
		}
		*version = 0;
		return 0;
	}
	if (PQntuples(r) > 0)
		result = postgres_get_int(r, 0, 0, &found, err);
	PQclear(r);
	if (result == 0)
		*version = found;
	return result;
}

int
postgres_schema(void *conn, struct schema_state *out, struct err *err)
{
	struct postgres_conn *pg = conn;
	int64_t want = (int64_t)pg->server->spec->nsteps, have = 0;

	if (want > 0 && postgres_schema_read_version(pg, &have, err) != 0)
		return -1;
	*out = (struct schema_state){ .have = have, .want = want };
	return 0;
}

static int
has_row(struct postgres_conn *pg, const char *sql, bool *row, struct err *err)
{
	PGresult *r;

	if (postgres_query(pg, sql, NULL, 0, &r, err) != 0)
		return -1;
	*row = PQntuples(r) > 0;
	PQclear(r);
	return 0;
}

/* Creates only what is missing. CREATE ... IF NOT EXISTS would need rights
 * that a role may lack if there is nothing to create. */
static int
postgres_schema_prepare(struct postgres_conn *pg, void *ctx, struct err *err)
{
	bool there;
	int64_t n;

	(void)ctx;
	if (has_row(pg,
		    "SELECT 1 FROM pg_catalog.pg_namespace"
		    " WHERE nspname = 'fcgiauth'",
		    &there, err) != 0)
		return -1;
	if (!there && postgres_script(pg, "CREATE SCHEMA fcgiauth", err) != 0)
		return -1;
	if (has_row(pg,
		    "SELECT 1 FROM pg_catalog.pg_tables WHERE"
		    " schemaname = 'fcgiauth' AND tablename ="
		    " 'schema_version'",
		    &there, err) != 0)
		return -1;
	if (!there &&
	    postgres_script(pg,
			    "CREATE TABLE fcgiauth.schema_version ("
			    "component text COLLATE \"C\" PRIMARY KEY,"
			    " version bigint NOT NULL)",
			    err) != 0)
		return -1;
	return postgres_change(pg,
			       "INSERT INTO fcgiauth.schema_version"
			       " (component, version) VALUES ($1, 0)"
			       " ON CONFLICT (component) DO NOTHING",
			       PG_ARGS(PG_TEXT(component(pg))), &n, err);
}

/* Returns whether another process has created the schema or the table
 * meanwhile: 23505 (of the system catalogue), 42P06 or 42P07. */
static bool
is_race(const struct postgres_conn *pg)
{
	return state_is(pg, "23505") || state_is(pg, "42P06") ||
	       state_is(pg, "42P07");
}

static int
postgres_schema_step(struct postgres_conn *pg, void *ctx, struct err *err)
{
	const int64_t *have = ctx;
	int64_t mine;

	if (postgres_script(pg,
			    "SET LOCAL statement_timeout = 0;"
			    " SET LOCAL lock_timeout = 60000",
			    err) != 0 ||
	    postgres_change(pg,
			    "UPDATE fcgiauth.schema_version SET version = $2"
			    " WHERE component = $1 AND version = $3",
			    PG_ARGS(PG_TEXT(component(pg)), PG_INT(*have + 1),
				    PG_INT(*have)),
			    &mine, err) != 0)
		return -1;
	if (mine == 0)
		return 0; /* another process has done it */
	return postgres_script(pg, pg->server->spec->steps[*have], err);
}

/* Checks the encoding of the database: another one than UTF-8 would refuse some
 * texts later. */
static int
check_encoding(const struct postgres_conn *pg, struct err *err)
{
	const char *has = PQparameterStatus(pg->conn, "server_encoding");

	if (has == NULL || strcmp(has, "UTF8") == 0)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "the encoding of the database must be UTF8, but is %s",
		       has);
}

static int
forward(struct postgres_conn *pg, int64_t have, struct err *err)
{
	if (have == 0 &&
	    postgres_transaction(pg, postgres_schema_prepare, NULL, err) != 0)
		return -1;
	return postgres_transaction(pg, postgres_schema_step, &have, err);
}

static int
postgres_schema_explain(const struct postgres_conn *pg, int64_t version,
			struct err *err)
{
	if (state_is(pg, "42501"))
		err->code = ERR_CONFIG; /* another role may be permitted */
	return err_context(err, "migration %s %lld",
			   pg->server->spec->component, (long long)version);
}

static int
migrate(struct postgres_conn *pg, struct err *err)
{
	struct schema_state s;

	for (int races = 0;;) {
		if (postgres_schema(pg, &s, err) != 0)
			return -1;
		if (s.have == s.want)
			return 0;
		if (s.have < 0 || s.have > s.want)
			return health_refuse(HEALTH_NEWER, &s, err);
		if (check_encoding(pg, err) != 0)
			return -1;
		if (forward(pg, s.have, err) != 0 &&
		    (!is_race(pg) || ++races > RACES_MAX))
			return postgres_schema_explain(pg, s.have + 1, err);
	}
}

int
postgres_migrate(void *conn, struct err *err)
{
	struct postgres_conn *pg = conn;
	int result;

	pg->limit_ms = MIGRATE_MS;
	result = migrate(pg, err);
	if (result == 0)
		result = postgres_add_extras(pg, err);
	pg->limit_ms = pg->server->timeout_ms;
	return result;
}

int
postgres_ping(void *conn, struct err *err)
{
	struct postgres_conn *pg = conn;
	const char *probe = pg->server->spec->probe;
	int64_t n;

	return postgres_change(pg, probe != NULL ? probe : "SELECT 1", NULL, 0,
			       &n, err);
}
