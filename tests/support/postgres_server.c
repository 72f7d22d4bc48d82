/* SPDX-License-Identifier: MIT */
/* Starts and stops a PostgreSQL server of a test. */
#include "tests/support/postgres_server.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/support/set_option.h"

#define START_MS 60000

static bool
is_ready(void *ctx)
{
	const struct test_postgres *p = ctx;

	return PQping(p->conninfo) == PQPING_OK;
}

void
postgres_server_start(struct test_postgres *p)
{
	char postgres[128], port[16];

	MUST(process_find("postgres", postgres, sizeof(postgres)),
	     "there is no program postgres");
	(void)snprintf(port, sizeof(port), "%d", p->port);
	process_start(&p->process,
		      &(struct process_spec){
			  .argv =
			      (const char *const[]){
				  postgres, "-D", p->data, "-k", p->folder,
				  "-p", port, "-h", "127.0.0.1", "-F", "-c",
				  "max_connections=60", "-c", "autovacuum=off",
				  "-c", "client_min_messages=warning", NULL },
			  .folder = p->folder,
			  .log = p->log,
			  .unprivileged = true,
		      });
	MUST(process_wait(&p->process, is_ready, p, START_MS),
	     "postgres does not start: see %s", p->log);
}

static void
write_rules(const struct test_postgres *p)
{
	char path[120];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/pg_hba.conf", p->data);
	f = fopen(path, "w");
	MUST(f != NULL &&
		 fputs("local all all trust\n"
		       "host all scram 127.0.0.1/32 scram-sha-256\n"
		       "host all all 127.0.0.1/32 trust\n",
		       f) >= 0 &&
		 fclose(f) == 0,
	     "cannot write %s", path);
}

void
postgres_server_set(const struct option *options, void *conf,
		    const char *conninfo)
{
	const struct str text = str_from(conninfo);
	const int64_t seconds = 20; /* sanitizers are slow */

	SET_OPTION(options, conf, "conninfo", text);
	SET_OPTION(options, conf, "connect_timeout", seconds);
	SET_OPTION(options, conf, "timeout", seconds);
}

bool
postgres_server_new(struct test_postgres *p)
{
	char initdb[128], postgres[128];

	*p = (struct test_postgres){ .port = 0 };
	if (!process_find("initdb", initdb, sizeof(initdb)) ||
	    !process_find("postgres", postgres, sizeof(postgres)))
		return false;
	process_folder(p->folder, sizeof(p->folder));
	(void)snprintf(p->data, sizeof(p->data), "%s/data", p->folder);
	(void)snprintf(p->log, sizeof(p->log), "%s/log", p->folder);
	p->port = process_free_port();
	(void)snprintf(p->conninfo, sizeof(p->conninfo),
		       "host=%s port=%d user=postgres dbname=postgres",
		       p->folder, p->port);
	MUST(process_run(&(struct process_spec){
		 .argv = (const char *const[]){ initdb, "-D", p->data, "-U",
						"postgres", "--auth=trust",
						"--no-locale",
						"--encoding=UTF8", "--no-sync",
						"--no-instructions", NULL },
		 .folder = p->folder,
		 .log = p->log,
		 .unprivileged = true,
	     }) == 0,
	     "initdb fails: see %s", p->log);
	write_rules(p);
	postgres_server_start(p);
	return true;
}

void
postgres_server_stop(struct test_postgres *p, int signal)
{
	process_stop(&p->process, signal);
}

void
postgres_server_free(struct test_postgres *p)
{
	postgres_server_stop(p, SIGQUIT);
	process_remove(p->folder);
}

/* Executes the statements of a text; returns the result of the last one. */
static PGresult *
run(const struct test_postgres *p, const char *sql)
{
	PGconn *c = PQconnectdb(p->conninfo);
	PGresult *r = PQexec(c, sql);
	ExecStatusType status = PQresultStatus(r);

	MUST(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK,
	     "%s fails: %s", sql, PQerrorMessage(c));
	PQfinish(c);
	return r;
}

void
postgres_server_sql(const struct test_postgres *p, const char *sql)
{
	PQclear(run(p, sql));
}

void
postgres_server_ask(const struct test_postgres *p, const char *sql, char *out,
		    size_t n)
{
	PGresult *r = run(p, sql);

	MUST(PQntuples(r) > 0, "there is no row: %s", sql);
	(void)snprintf(out, n, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
}
