/* SPDX-License-Identifier: MIT */
/* Records of accounts in PostgreSQL for the contract suite, on a server of its
 * own. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/postgres_server.h"

extern const struct factor_store_ops factors_postgres;

static struct test_postgres server;

static void
configure(const struct factor_store_ops *ops, void *conf,
	  const char *const *path)
{
	(void)path;
	postgres_server_set(ops->base.driver.options, conf, server.conninfo);
}

static void
fresh(void)
{
	postgres_server_sql(&server, "SET client_min_messages = warning;"
				     "DROP SCHEMA IF EXISTS fcgiauth CASCADE");
}

static void
refuse(const char *path, bool refuses)
{
	(void)path;
	postgres_server_sql(
	    &server,
	    refuses ? "ALTER TABLE fcgiauth.account RENAME TO away_account;"
		      "ALTER TABLE fcgiauth.one_time RENAME TO away_one_time;"
		      "ALTER TABLE fcgiauth.outbox RENAME TO away_outbox" :
		      "ALTER TABLE fcgiauth.away_account RENAME TO account;"
		      "ALTER TABLE fcgiauth.away_one_time RENAME TO one_time;"
		      "ALTER TABLE fcgiauth.away_outbox RENAME TO outbox");
}

const struct factors_kind factors_kind = { .ops = &factors_postgres,
					   .configure = configure,
					   .fresh = fresh,
					   .refuse = refuse };

int
kind_start(void)
{
	return postgres_server_new(&server) ? 0 : 1;
}

void
kind_stop(void)
{
	postgres_server_free(&server);
}
