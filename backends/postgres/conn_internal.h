/* SPDX-License-Identifier: MIT */
/* The inside of the Postgres link, for its own files. */
#ifndef BACKENDS_POSTGRES_CONN_INTERNAL_H
#define BACKENDS_POSTGRES_CONN_INTERNAL_H

#include "backends/postgres/conn.h"

#include <stdatomic.h>

struct postgres_server {
	const struct postgres_spec *spec;
	const struct env *env;
	PQconninfoOption *given;
	int64_t timeout_ms;
	char connect_timeout[24], user_timeout[24]; /* as libpq wants them */
	char options[160];
	/* A pooler is between that takes no options. */
	atomic_bool plain;
};

struct postgres_link {
	struct postgres_server *server;
	PGconn *conn;
	int64_t limit_ms;
	int64_t deadline_ms; /* no statement of this operation begins later */
	int64_t until_ms; /* the end of the wait for this statement */
	bool in_transaction;
	bool dying; /* the server has said that it ends the connection */
	bool conflict; /* the last failure was one */
	char state[6]; /* its SQLSTATE; empty: the server did not say */
};

/* ERR_CONFIG without any part of a password.  Freed by the function below. */
int postgres_conninfo_parse(struct str text, PQconninfoOption **out,
			    struct err *err) MUST_USE;
void postgres_conninfo_free(PQconninfoOption *parsed); /* wipes */

/* Keywords for PQconnectdbParams(): ours first, for the last one wins. */
#define POSTGRES_KEYWORDS_MAX 80

struct postgres_keywords {
	const char *names[POSTGRES_KEYWORDS_MAX + 1];
	const char *values[POSTGRES_KEYWORDS_MAX + 1];
	size_t n;
};

void postgres_keywords_add(struct postgres_keywords *k, const char *name,
			   const char *value);
void postgres_keywords_add_parsed(struct postgres_keywords *k,
				  const PQconninfoOption *parsed);

/* What libpq or a server says, in one line and without its advice. */
void postgres_one_line(const char *text, char *line, size_t n);

/* The connection is of no more use: ERR_UNAVAILABLE. */
int postgres_lost(const struct postgres_link *l, struct err *err);
/* Fills *err and the link from a result that is a failure. */
int postgres_fail(struct postgres_link *l, const PGresult *r, struct err *err);

/* Several statements without arguments, for migrations. */
int postgres_script(struct postgres_link *l, const char *sql,
		    struct err *err) MUST_USE;

#endif
