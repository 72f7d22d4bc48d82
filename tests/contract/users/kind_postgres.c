/* SPDX-License-Identifier: MIT */
/* Users in PostgreSQL for the contract suite, on a server of their own. */
#include "tests/contract/users/fixture.h"
#include "tests/support/postgres_server.h"

extern const struct user_source_ops users_postgres;

static struct test_postgres server;

static void
configure(const struct user_source_ops *ops, void *conf,
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
	postgres_server_sql(&server,
			    refuses ?
				"ALTER TABLE fcgiauth.users RENAME TO away" :
				"ALTER TABLE fcgiauth.away RENAME TO users");
}

const struct users_kind users_kind = { .ops = &users_postgres,
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
