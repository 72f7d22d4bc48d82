/* SPDX-License-Identifier: MIT */
/* The PostgreSQL store of the contract suite, on its own server. */
#include "tests/contract/store/fixture.h"
#include "tests/support/postgres_server.h"

#include <stdio.h>
#include <string.h>

extern const struct session_store_ops store_postgres;

static struct test_postgres server;

static void
configure(const struct session_store_ops *ops, void *conf, const char *path)
{
	(void)path;
	postgres_server_set(ops->base.driver.options, conf, server.conninfo);
}

static void
fresh(void)
{
	postgres_server_sql(&server, "DROP SCHEMA IF EXISTS fcgiauth CASCADE;"
				     "DROP SCHEMA IF EXISTS away CASCADE");
}

/* Moves the tables to another schema, so that every statement fails. */
static void
refuse(const char *path, bool refuses)
{
	char sql[400];

	(void)path;
	(void)snprintf(sql, sizeof(sql),
		       "CREATE SCHEMA IF NOT EXISTS away; DO $$ DECLARE t text;"
		       " BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE"
		       " schemaname = '%s' AND tablename <> 'schema_version'"
		       " LOOP EXECUTE format("
		       "'ALTER TABLE %s.%%I SET SCHEMA %s', t);"
		       " END LOOP; END $$",
		       refuses ? "fcgiauth" : "away",
		       refuses ? "fcgiauth" : "away",
		       refuses ? "away" : "fcgiauth");
	postgres_server_sql(&server, sql);
}

const struct store_kind store_kinds[] = {
	{ .ops = &store_postgres,
	  .configure = configure,
	  .fresh = fresh,
	  .refuse = refuse,
	  .has_feed = true },
};
const size_t store_nkinds = ARRAY_LEN(store_kinds);

int
kinds_start(void)
{
	return postgres_server_new(&server) ? 0 : 1;
}

void
kinds_stop(void)
{
	postgres_server_free(&server);
}
