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
	/* Statements cannot have names: there is a pooler. */
	atomic_bool nameless;
	atomic_uint host; /* the one that was last connected to by the feed */
	/* The keys of the change feed and of the one that was missed last
	 * (feed_lock.c); 0: none. */
	_Atomic int64_t feed_key, missed_key;
	const char *hot[POSTGRES_HOT_MAX];
	size_t nhot;
};

/* Whether statements have names on a connection. */
enum postgres_names {
	NAMES_UNKNOWN = 0, /* not found out yet */
	NAMES_ON,
	NAMES_STALE, /* as ON, when all have been deallocated */
	NAMES_OFF
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
	/* The last statement has found that the feed is at another server. */
	bool elsewhere;
	int64_t feed_key; /* of the server when this was made */
	/* It has another connection string than the server. */
	bool apart;
	enum postgres_names names;
	bool prepared[POSTGRES_HOT_MAX]; /* those of server->hot */
	/* Why migrate() could not make an extra; empty: it could. */
	char refused[POSTGRES_EXTRAS_MAX][120];
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

/* Adds what all connections have in common: time limits of TCP, the name. */
void postgres_keywords_add_common(struct postgres_keywords *k,
				  const struct postgres_server *s);

/* Takes over a new connection of libpq, whether good or bad. NULL: out of
 * memory; it is closed then. */
struct postgres_conn *postgres_conn_new(struct postgres_server *s, PGconn *conn,
					int64_t limit_ms) MUST_USE;
/* Returns 0 if the connection was made, else -1 with ERR_UNAVAILABLE. */
int postgres_conn_check(const struct postgres_conn *pg,
			struct err *err) MUST_USE;

/* Connects to the first host in `given` that accepts, within `ms`, as far as
 * the resolution of names allows. Each host gets an equal part of the time that
 * is left. It must be writable unless `given` has target_session_attrs. */
int postgres_connect_within(struct postgres_server *s,
			    const PQconninfoOption *given, int64_t ms,
			    struct postgres_conn **out,
			    struct err *err) MUST_USE;

/* Writes a message of libpq or of a server as one line, without its advice. */
void postgres_one_line(const char *text, char *line, size_t n);

/* Returns ERR_UNAVAILABLE: the connection cannot be used any more. */
int postgres_lost(const struct postgres_conn *pg, struct err *err);
/* Sets *err, and the last failure of the connection, from a failed result. */
int postgres_fail(struct postgres_conn *pg, const PGresult *r, struct err *err);

/* Executes several statements without arguments, for migrations. */
int postgres_script(struct postgres_conn *pg, const char *sql,
		    struct err *err) MUST_USE;

/* The arguments of a statement in the form that libpq needs. */
struct postgres_bound {
	int n;
	const Oid *types; /* NULL: the server finds them out */
	const char *const *values;
	const int *lengths, *formats; /* NULL: all are text */
	int result; /* the format of rows: 1 is binary */
};

/* Waits for the result of a statement; `sent` is the result of the libpq
 * function that has sent it. */
int postgres_finish(struct postgres_conn *pg, int sent, PGresult **out,
		    struct err *err) MUST_USE;
/* Must be called before every statement. A statement that begins shortly
 * before the deadline may take the full time limit, too: the server then
 * cancels a wait for a lock before the service takes the server for lost. */
void postgres_begin(struct postgres_conn *pg);

/* Executes one statement, by its name if it is one of server->hot and the
 * connection allows names. */
int postgres_run_bound(struct postgres_conn *pg, const char *sql,
		       const struct postgres_bound *b, PGresult **out,
		       struct err *err) MUST_USE;

/* Returns whether the feed was at another server, and is another one now than
 * when this connection was made: a new connection may be to its server. */
bool postgres_feed_has_moved(const struct postgres_conn *pg);

/* Makes the extras of the schema. Fails only if the connection is lost; what
 * the server refuses is noted for postgres_advise(). */
int postgres_add_extras(struct postgres_conn *pg, struct err *err) MUST_USE;

#endif
