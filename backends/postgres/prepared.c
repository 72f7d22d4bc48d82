/* SPDX-License-Identifier: MIT */
/*
 * Prepared statements. A frequent statement gets a name on its connection when
 * it is first executed there, so that the server parses and plans it once.
 *
 * Behind a pooler that gives each transaction another connection to the server,
 * the name may be missing there or may exist already. Such a pooler is
 * recognised by the process id of the server, which is not the one that the
 * connection was told when it was made. Then no statement has a name. If a
 * name is nevertheless missing or there already, or if a table was changed so
 * that the plan cannot be used any more, nothing was executed, and the
 * statement is executed without its name.
 */
#include "backends/postgres/conn_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE sizeof("fcgiauth_18446744073709551615")

void
postgres_add_hot(void *server, const char *sql)
{
	struct postgres_server *s = server;

	assert(s->nhot < POSTGRES_HOT_MAX);
	s->hot[s->nhot++] = sql;
}

static size_t
hot_index(const struct postgres_server *s, const char *sql)
{
	size_t i = 0;

	while (i < s->nhot && s->hot[i] != sql)
		i++;
	return i;
}

static void
write_name(size_t i, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "fcgiauth_%zu", i);
}

static bool
failed_with(const struct postgres_conn *pg, const char *state)
{
	return strcmp(pg->state, state) == 0;
}

/* Returns 0, or -1 if the server has not answered. An error of the server is
 * left in pg->state. */
static int
ask_plainly(struct postgres_conn *pg, int sent, PGresult **out, struct err *err)
{
	*out = NULL;
	if (postgres_finish(pg, sent, out, err) == 0)
		return 0;
	return pg->state[0] != '\0' && !pg->dying ? 0 : -1;
}

static void
note_nameless(struct postgres_conn *pg)
{
	pg->names = NAMES_OFF;
	if (!pg->apart)
		atomic_store(&pg->server->nameless, true);
}

/* Finds out whether there is a pooler. */
static int
find_out(struct postgres_conn *pg, struct err *err)
{
	int64_t pid = 0;
	struct err ignored;
	PGresult *r;

	pg->names = NAMES_OFF; /* unless it turns out otherwise */
	if (atomic_load(&pg->server->nameless) && !pg->apart)
		return 0;
	postgres_begin(pg);
	if (ask_plainly(pg,
			PQsendQueryParams(pg->conn,
					  "SELECT pg_catalog.pg_backend_pid()",
					  0, NULL, NULL, NULL, NULL, 1),
			&r, err) != 0)
		return -1;
	if (r != NULL && PQntuples(r) == 1 &&
	    postgres_get_int(r, 0, 0, &pid, &ignored) == 0 &&
	    pid == PQbackendPID(pg->conn))
		pg->names = NAMES_ON;
	else
		note_nameless(pg);
	PQclear(r);
	return 0;
}

static int
forget_names(struct postgres_conn *pg, struct err *err)
{
	PGresult *r;

	postgres_begin(pg);
	if (ask_plainly(pg,
			PQsendQueryParams(pg->conn, "DEALLOCATE ALL", 0, NULL,
					  NULL, NULL, NULL, 1),
			&r, err) != 0)
		return -1;
	memset(pg->prepared, 0, sizeof(pg->prepared));
	pg->names = r != NULL ? NAMES_ON : NAMES_OFF;
	PQclear(r);
	return 0;
}

/* Prepares statement i if necessary. *ready is false if it must be executed
 * without its name. */
static int
get_ready(struct postgres_conn *pg, size_t i, const struct postgres_bound *b,
	  bool *ready, struct err *err)
{
	char name[NAME_SIZE];
	PGresult *r;

	*ready = false;
	if (pg->names == NAMES_UNKNOWN && find_out(pg, err) != 0)
		return -1;
	if (pg->names == NAMES_STALE && forget_names(pg, err) != 0)
		return -1;
	if (pg->names == NAMES_ON && !pg->prepared[i]) {
		write_name(i, name);
		postgres_begin(pg);
		if (ask_plainly(pg,
				PQsendPrepare(pg->conn, name,
					      pg->server->hot[i], b->n,
					      b->types),
				&r, err) != 0)
			return -1;
		pg->prepared[i] = r != NULL;
		PQclear(r);
	}
	*ready = pg->names == NAMES_ON && pg->prepared[i];
	return 0;
}

/* After a failure: returns whether the statement was not executed because of
 * its name, or because its plan is of no use any more. */
static bool
is_because_of_name(struct postgres_conn *pg)
{
	/* invalid_sql_statement_name: no such name, or it exists already. */
	if (failed_with(pg, "26000") || failed_with(pg, "42P05")) {
		note_nameless(pg);
		return true;
	}
	/* "cached plan must not change result type". */
	if (!failed_with(pg, "0A000"))
		return false;
	pg->names = NAMES_STALE;
	return true;
}

static int
run_unnamed(struct postgres_conn *pg, const char *sql,
	    const struct postgres_bound *b, PGresult **out, struct err *err)
{
	postgres_begin(pg);
	return postgres_finish(pg,
			       PQsendQueryParams(pg->conn, sql, b->n, b->types,
						 b->values, b->lengths,
						 b->formats, b->result),
			       out, err);
}

static int
run_named(struct postgres_conn *pg, size_t i, const struct postgres_bound *b,
	  PGresult **out, struct err *err)
{
	char name[NAME_SIZE];

	write_name(i, name);
	postgres_begin(pg);
	return postgres_finish(pg,
			       PQsendQueryPrepared(pg->conn, name, b->n,
						   b->values, b->lengths,
						   b->formats, b->result),
			       out, err);
}

/* In a transaction a failure of a name would end the transaction. */
int
postgres_run_bound(struct postgres_conn *pg, const char *sql,
		   const struct postgres_bound *b, PGresult **out,
		   struct err *err)
{
	const size_t i = hot_index(pg->server, sql);
	bool ready = false;

	if (i < pg->server->nhot && !pg->in_transaction &&
	    get_ready(pg, i, b, &ready, err) != 0)
		return -1;
	if (!ready)
		return run_unnamed(pg, sql, b, out, err);
	if (run_named(pg, i, b, out, err) == 0)
		return 0;
	if (!is_because_of_name(pg))
		return -1;
	return run_unnamed(pg, sql, b, out, err);
}
