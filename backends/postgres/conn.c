/* SPDX-License-Identifier: MIT */
/* Connections to a Postgres server, and the meaning of its errors. */
#include "backends/postgres/conn_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
postgres_open(const struct postgres_spec *spec,
	      const struct postgres_conf *conf, const struct env *env,
	      void **server, struct err *err)
{
	struct postgres_server *s;
	long long ms = conf->timeout * 1000;

	if (PQisthreadsafe() == 0)
		return err_set(err, ERR_CONFIG,
			       "this libpq was built without threads");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(err);
	if (postgres_conninfo_parse(conf->conninfo, &s->given, err) != 0) {
		free(s);
		return -1;
	}
	s->spec = spec;
	s->env = env;
	s->timeout_ms = ms;
	(void)snprintf(s->connect_timeout, sizeof(s->connect_timeout), "%lld",
		       (long long)conf->connect_timeout);
	(void)snprintf(s->user_timeout, sizeof(s->user_timeout), "%lld", ms);
	/* These are longer than the second after which the server checks for a
	 * deadlock, and shorter than the time after which the connection counts
	 * as lost, so that the server can report a slow statement. */
	(void)snprintf(s->options, sizeof(s->options),
		       "-c statement_timeout=%lld -c lock_timeout=%lld"
		       " -c idle_in_transaction_session_timeout=%lld",
		       ms * 7 / 8, ms * 3 / 4, ms);
	atomic_init(&s->plain, false);
	atomic_init(&s->nameless, false);
	atomic_init(&s->host, 0);
	atomic_init(&s->feed_key, 0);
	atomic_init(&s->missed_key, 0);
	*server = s;
	return 0;
}

void
postgres_close(void *server)
{
	struct postgres_server *s = server;

	postgres_conninfo_free(s->given);
	free(s);
}

/* Receives notices. A server sends one before it ends an idle connection. */
static void
take_notice(void *arg, const PGresult *r)
{
	struct postgres_conn *pg = arg;
	const char *severity =
	    PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL &&
	    (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		pg->dying = true;
}

void
postgres_keywords_add_common(struct postgres_keywords *k,
			     const struct postgres_server *s)
{
	postgres_keywords_add(k, "connect_timeout", s->connect_timeout);
	postgres_keywords_add(k, "tcp_user_timeout", s->user_timeout);
	postgres_keywords_add(k, "keepalives_idle", "60");
	postgres_keywords_add(k, "keepalives_interval", "10");
	postgres_keywords_add(k, "keepalives_count", "3");
	postgres_keywords_add(k, "fallback_application_name", "fcgiauth");
}

static PGconn *
connect_once(const struct postgres_server *s, bool plain)
{
	struct postgres_keywords k = { .n = 0 };

	postgres_keywords_add_common(&k, s);
	if (!plain)
		postgres_keywords_add(&k, "options", s->options);
	postgres_keywords_add_parsed(&k, s->given);
	/* This overrides conninfo, because all our texts are UTF-8. */
	postgres_keywords_add(&k, "client_encoding", "UTF8");
	return PQconnectdbParams(k.names, k.values, 0);
}

static bool
is_refused_options(const PGconn *conn)
{
	return PQstatus(conn) != CONNECTION_OK &&
	       strstr(PQerrorMessage(conn), "unsupported startup parameter") !=
		   NULL;
}

struct postgres_conn *
postgres_conn_new(struct postgres_server *s, PGconn *conn, int64_t limit_ms)
{
	struct postgres_conn *pg = calloc(1, sizeof(*pg));

	if (pg == NULL) {
		PQfinish(conn);
		return NULL;
	}
	pg->server = s;
	pg->limit_ms = limit_ms;
	pg->conn = conn;
	pg->feed_key = atomic_load(&s->feed_key);
	(void)PQsetNoticeReceiver(pg->conn, take_notice, pg);
	/* Messages without a context, which may contain values. */
	(void)PQsetErrorVerbosity(pg->conn, PQERRORS_TERSE);
	return pg;
}

int
postgres_conn_check(const struct postgres_conn *pg, struct err *err)
{
	char why[160];

	if (PQstatus(pg->conn) == CONNECTION_OK &&
	    PQsetnonblocking(pg->conn, 1) == 0)
		return 0;
	postgres_one_line(PQerrorMessage(pg->conn), why, sizeof(why));
	return err_set(err, ERR_UNAVAILABLE, "%s", why);
}

int
postgres_connect(void *server, void **conn, struct err *err)
{
	struct postgres_server *s = server;
	PGconn *made = connect_once(s, atomic_load(&s->plain));
	struct postgres_conn *pg;

	if (is_refused_options(made) && !atomic_load(&s->plain)) {
		PQfinish(made);
		made = connect_once(s, true);
		if (PQstatus(made) == CONNECTION_OK)
			atomic_store(&s->plain, true);
	}
	pg = postgres_conn_new(s, made, s->timeout_ms);
	if (pg == NULL)
		return err_nomem(err);
	if (postgres_conn_check(pg, err) != 0) {
		postgres_disconnect(pg);
		return -1;
	}
	*conn = pg;
	return 0;
}

void
postgres_disconnect(void *conn)
{
	struct postgres_conn *pg = conn;

	PQfinish(pg->conn);
	free(pg);
}

/* Maps a SQLSTATE to an error code; the first prefix that matches counts. The
 * cause of any other error may be repaired from outside, and another connection
 * may help. */
static enum err_code
code_of(const char *state)
{
	static const struct {
		const char *start;
		enum err_code code;
	} rows[] = {
		{ "40", ERR_BUSY }, /* conflict */
		{ "55P03", ERR_BUSY }, /* lock not granted in time */
		{ "57014", ERR_BUSY }, /* cancelled by a timeout */
		{ "53", ERR_BUSY }, /* disk full, out of memory */
		{ "54", ERR_BUSY }, /* program limit exceeded */
		/* Errors about one row, from a statement, a function or a
		 * trigger of the administrator. */
		{ "21", ERR_BUSY },
		{ "38", ERR_BUSY },
		{ "39", ERR_BUSY },
		{ "44", ERR_BUSY },
		{ "P0", ERR_BUSY },
		/* Sent only between statements (idle_session_timeout). */
		{ "57P05", ERR_UNDONE },
		{ "42P01", ERR_UNAVAILABLE }, /* no such table */
		{ "42501", ERR_UNAVAILABLE }, /* not granted */
		{ "0A", ERR_INTERNAL }, /* not supported */
		{ "22", ERR_INTERNAL }, /* invalid data */
		{ "23", ERR_INTERNAL }, /* constraint violated, e.g. unique */
		{ "42", ERR_INTERNAL }, /* bad statement */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strncmp(state, rows[i].start, strlen(rows[i].start)) == 0)
			return rows[i].code;
	return ERR_UNAVAILABLE;
}

/* The connection cannot be used any more. */
int
postgres_lost(const struct postgres_conn *pg, struct err *err)
{
	char why[160];

	postgres_one_line(PQerrorMessage(pg->conn), why, sizeof(why));
	return err_set(err, ERR_UNAVAILABLE, "%s",
		       why[0] != '\0' ? why : "no usable answer");
}

int
postgres_fail(struct postgres_conn *pg, const PGresult *r, struct err *err)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	char why[160] = "invalid data"; /* the message would quote it */

	if (state == NULL)
		return postgres_lost(pg, err);
	(void)snprintf(pg->state, sizeof(pg->state), "%s", state);
	pg->conflict =
	    strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
	if (strncmp(state, "22", 2) != 0)
		postgres_one_line(text, why, sizeof(why));
	return err_set(err, code_of(state), "%s (SQLSTATE %s)", why, state);
}
