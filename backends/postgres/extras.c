/* SPDX-License-Identifier: MIT */
/*
 * The parts of the schema of the store that some servers cannot have, such as
 * CockroachDB: the triggers of the change feed, and smaller indexes. The store
 * works without them. `store migrate` makes those that are missing, each in a
 * transaction of its own, and reports what the server has refused.
 */
#include "backends/postgres/conn_internal.h"
#include "backends/postgres/store_internal.h"

#include <stdio.h>
#include <string.h>

static const char *const scripts[POSTGRES_STORE_EXTRAS] = {
#include "backends/postgres/store_extras.inc"
};

const struct postgres_extra postgres_store_extras[POSTGRES_STORE_EXTRAS] = {
	{
	    .name = "the change feed",
	    .probe = postgres_feed_probe,
	    .script = &scripts[0],
	    .without = "each check asks the server",
	},
	{
	    .name = "the index sessions_user",
	    .probe = "SELECT 1 FROM pg_catalog.pg_indexes"
		     " WHERE schemaname = 'fcgiauth'"
		     " AND indexname = 'sessions_user'",
	    .script = &scripts[1],
	    .without = "sessions take more space",
	},
};

static int
extra_is_there(struct postgres_conn *pg, const struct postgres_extra *x,
	       bool *there, struct err *err)
{
	PGresult *r;

	if (postgres_query(pg, x->probe, NULL, 0, &r, err) != 0)
		return -1;
	*there = PQntuples(r) > 0;
	PQclear(r);
	return 0;
}

/* Two processes that do this at once wait for each other: the row is locked. */
static int
add_extra(struct postgres_conn *pg, void *ctx, struct err *err)
{
	const struct postgres_extra *x = ctx;
	bool there;
	int64_t n;

	if (postgres_script(pg,
			    "SET LOCAL statement_timeout = 0;"
			    " SET LOCAL lock_timeout = 60000",
			    err) != 0 ||
	    postgres_change(
		pg,
		"UPDATE fcgiauth.schema_version SET version ="
		" version WHERE component = $1",
		PG_ARGS(PG_TEXT(str_from(pg->server->spec->component))), &n,
		err) != 0 ||
	    extra_is_there(pg, x, &there, err) != 0)
		return -1;
	return there ? 0 : postgres_script(pg, *x->script, err);
}

int
postgres_add_extras(struct postgres_conn *pg, struct err *err)
{
	const struct postgres_spec *spec = pg->server->spec;
	struct err why;

	for (size_t i = 0; i < spec->nextras; i++) {
		struct postgres_extra x = spec->extras[i];
		bool there = false;

		pg->refused[i][0] = '\0';
		if (extra_is_there(pg, &x, &there, &why) == 0 && there)
			continue;
		if (postgres_transaction(pg, add_extra, &x, &why) == 0)
			continue;
		if (pg->state[0] == '\0') {
			*err = why;
			return err_context(err, "%s", x.name);
		}
		(void)snprintf(pg->refused[i], sizeof(pg->refused[i]), "%.100s",
			       why.msg);
	}
	return 0;
}

int
postgres_advise(void *conn, char advice[BACKEND_ADVICE_MAX], struct err *err)
{
	struct postgres_conn *pg = conn;
	const struct postgres_spec *spec = pg->server->spec;

	advice[0] = '\0';
	for (size_t i = 0; i < spec->nextras && advice[0] == '\0'; i++) {
		const struct postgres_extra *x = &spec->extras[i];
		const bool refused = pg->refused[i][0] != '\0';
		bool there = false;
		struct err why;

		if (extra_is_there(pg, x, &there, &why) != 0 &&
		    pg->state[0] == '\0') {
			*err = why;
			return -1;
		}
		if (!there)
			(void)snprintf(advice, BACKEND_ADVICE_MAX,
				       "%s is missing, so that %s: %s", x->name,
				       x->without,
				       refused ? pg->refused[i] :
						 "run fcgiauthctl store"
						 " migrate"); /* may be cut */
	}
	return 0;
}
