/* SPDX-License-Identifier: MIT */
/* The fields of the Postgres connection, for the files that implement it. */
#ifndef BACKENDS_POSTGRES_CONN_INTERNAL_H
#define BACKENDS_POSTGRES_CONN_INTERNAL_H

#include "backends/postgres/conn.h"

#include <stdatomic.h>

struct postgres_server {
	const struct postgres_spec *spec;
	const struct env *env;
	PQconninfoOption *given;
	int64_t timeout_ms;
	char connect_timeout[24], user_timeout[24]; /* as text, for libpq */
	char options[160];
	/* There is a pooler that refuses options. */
	atomic_bool plain;
};

struct postgres_conn {
	struct postgres_server *server;
	PGconn *conn;
	int64_t limit_ms;
	int64_t deadline_ms; /* no statement of this operation begins later */
	int64_t until_ms; /* the end of the wait for this statement */
	bool in_transaction;
	bool dying; /* the server has announced the end of the connection */
	bool conflict; /* the last failure was a conflict */
	char state[6]; /* SQLSTATE of the last failure; empty: none given */
};

/* Parses a connection string. The error is ERR_CONFIG and contains no part of
 * a password. postgres_conninfo_free() frees *out. */
int postgres_conninfo_parse(struct str text, PQconninfoOption **out,
			    struct err *err) MUST_USE;
void postgres_conninfo_free(PQconninfoOption *parsed); /* wipes */

/* Keywords for PQconnectdbParams(). The last value of a keyword counts, so the
 * defaults of the service come first. */
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

/* Writes a message of libpq or of a server as one line, without its advice. */
void postgres_one_line(const char *text, char *line, size_t n);

/* Returns ERR_UNAVAILABLE: the connection cannot be used any more. */
int postgres_lost(const struct postgres_conn *pg, struct err *err);
/* Sets *err, and the last failure of the connection, from a failed result. */
int postgres_fail(struct postgres_conn *pg, const PGresult *r, struct err *err);

/* Executes several statements without arguments, for migrations. */
int postgres_script(struct postgres_conn *pg, const char *sql,
		    struct err *err) MUST_USE;

#endif
