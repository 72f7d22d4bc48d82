/* SPDX-License-Identifier: MIT */
/*
 * The parts that the Postgres backends share: the connection of one worker,
 * constant statements with binary parameters, and the schema of one component.
 *
 * The tables of the service are in the schema `fcgiauth`; statements always
 * name the schema. A statement is one round trip of the extended protocol. The
 * frequent ones are prepared once per connection, except behind a pooler
 * (prepared.c). Every wait has a deadline. Errors are
 *
 *	ERR_UNAVAILABLE  the connection is lost; the server shuts down, starts
 *			 up or is read-only; the deadline has passed
 *	ERR_UNDONE	 the connection was ended because it was idle
 *	ERR_BUSY	 a lock is not granted; the server cancels a statement;
 *			 the disk is full; a conflict does not end; a statement
 *			 fails because of a row
 */
#ifndef BACKENDS_POSTGRES_CONN_H
#define BACKENDS_POSTGRES_CONN_H

#include "strategy/backend.h"

#include <libpq-fe.h>

/* The options of a connection to Postgres; this must be the first member of the
 * options of a driver that has more. */
struct postgres_conf {
	struct str conninfo; /* any connection string of libpq */
	int64_t connect_timeout, timeout; /* seconds; the first is per host */
};

#define POSTGRES_CONNINFO_MAX 4096

/* The table entries of these options, which must come first in the table of the
 * driver. */
#define POSTGRES_OPTIONS                                                       \
	OPTION(SECRET, struct postgres_conf, conninfo,                         \
	       .max = POSTGRES_CONNINFO_MAX, .flags = OPTION_REQUIRED,         \
	       .help =                                                         \
		   "The server, as a connection string or URI of libpq:"       \
		   " host=db1,db2 dbname=auth user=fcgiauth"                   \
		   " target_session_attrs=read-write sslmode=verify-full,"     \
		   " for example. Several hosts are tried in the given"        \
		   " order. The keys passfile and service can be used. The"    \
		   " tables are in the schema fcgiauth, which fcgiauthctl"     \
		   " store migrate creates. If another role runs this"         \
		   " command, the role of the service needs USAGE of the"      \
		   " schema, and SELECT, INSERT, UPDATE and DELETE on its"     \
		   " tables. Acknowledged changes are only as durable as the"  \
		   " server makes them. A crash with synchronous_commit off,"  \
		   " or a failover to an asynchronous standby, may undo the"   \
		   " last changes: sign-ins, but also sign-outs, refreshes,"   \
		   " bans and changes of users."),                             \
	    OPTION(SECONDS, struct postgres_conf, connect_timeout,             \
		   .def = "2s", .min = 2, .max = 60,                           \
		   .help = "How long one host may take to accept a"            \
			   " connection. connect_timeout in conninfo takes"    \
			   " precedence."),                                    \
	    OPTION(SECONDS, struct postgres_conf, timeout, .def = "2s",        \
		   .min = 1, .max = 60,                                        \
		   .help =                                                     \
		       "How long one statement may take. An operation on a"    \
		       " connection that was closed or lost while it was idle" \
		       " is repeated once on a new one, if that does no harm." \
		       " The server gets slightly shorter limits as options"   \
		       " (statement_timeout, lock_timeout,"                    \
		       " idle_in_transaction_session_timeout), unless"         \
		       " conninfo has options. A pooler that refuses options"  \
		       " gets none: set these limits for the role then.")

int postgres_check(const void *conf, struct err *err); /* the `check` slot */

/* A part of the schema that other database servers may refuse to create, and
 * without which the store works. It has no version. */
struct postgres_extra {
	const char *name; /* the subject of a sentence */
	/* A statement that returns one row if the part is as `script` makes
	 * it, and no row if it is not. */
	const char *probe;
	const char *const *script; /* it may run in any state of the part */
	const char *without; /* what happens without it, for the advice */
};

#define POSTGRES_EXTRAS_MAX 2
#define POSTGRES_HOT_MAX    8

/* The schema of one backend; constant. */
struct postgres_spec {
	const char *component; /* its row in fcgiauth.schema_version */
	const char *const *steps; /* migrations: steps[0] leads to version 1 */
	size_t nsteps; /* 0: it has no tables of its own */
	/* A statement without arguments that succeeds if the tables can be used
	 * as ping() demands. NULL: any answer of the server is enough. */
	const char *probe;
	const struct postgres_extra *extras;
	size_t nextras; /* at most POSTGRES_EXTRAS_MAX */
};

/* These implement the operations of the ops, except open(), which calls
 * postgres_open() with its spec. */
int postgres_open(const struct postgres_spec *spec,
		  const struct postgres_conf *conf, const struct env *env,
		  void **server, struct err *err) MUST_USE;
void postgres_close(void *server);
int postgres_connect(void *server, void **conn, struct err *err) MUST_USE;
void postgres_disconnect(void *conn);
bool postgres_is_lost(void *conn, bool ask) MUST_USE;
int postgres_ping(void *conn, struct err *err) MUST_USE;
int postgres_schema(void *conn, struct schema_state *out,
		    struct err *err) MUST_USE;
int postgres_migrate(void *conn, struct err *err) MUST_USE;

/* The members of struct backend_ops that stores have in common. */
#define POSTGRES_LIFE                                                          \
	.close = postgres_close, .connect = postgres_connect,                  \
	.disconnect = postgres_disconnect, .is_lost = postgres_is_lost,        \
	.ping = postgres_ping, .schema = postgres_schema,                      \
	.migrate = postgres_migrate

int postgres_advise(void *conn, char advice[BACKEND_ADVICE_MAX],
		    struct err *err) MUST_USE;

/* Adds a statement to the frequent ones, which are prepared, before the first
 * connection is made. `sql` is the pointer that is passed to postgres_query()
 * or another function; the text is borrowed. */
void postgres_add_hot(void *server, const char *sql);

struct postgres_conn;

/* A value for $1, $2 ...; it is borrowed for the call. */
struct postgres_arg {
	enum {
		POSTGRES_ARG_INT, /* bigint */
		POSTGRES_ARG_TEXT,
		POSTGRES_ARG_BYTES /* bytea; if p is NULL, the value is NULL */
	} type;
	int64_t number;
	struct str bytes;
};

#define POSTGRES_ARGS_MAX 20

/* Object ids of pg_type, which never change. */
enum postgres_type {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_NAME = 19,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25,
	TYPE_BPCHAR = 1042,
	TYPE_VARCHAR = 1043,
	TYPE_FIRST_OF_USERS = 16384, /* citext, an enum */
};

#define PG_INT(v)                                                              \
	((struct postgres_arg){ .type = POSTGRES_ARG_INT, .number = (v) })
#define PG_TEXT(s)                                                             \
	((struct postgres_arg){ .type = POSTGRES_ARG_TEXT, .bytes = (s) })
#define PG_BYTES(ptr, len)                                                     \
	((struct postgres_arg){                                                \
	    .type = POSTGRES_ARG_BYTES,                                        \
	    .bytes = { .p = (const void *)(ptr), .n = (len) } })
#define PG_ARGS(...)                                                           \
	(const struct postgres_arg[]){ __VA_ARGS__ },                          \
	    ARRAY_LEN(((const struct postgres_arg[]){ __VA_ARGS__ }))

/*
 * Executes one statement. *out has the rows in binary; the caller must
 * PQclear() it. Outside a transaction the statement is repeated after a
 * serialisation failure or a deadlock (40001, 40P01), with a random wait, as
 * long as the deadline allows.
 */
int postgres_query(struct postgres_conn *pg, const char *sql,
		   const struct postgres_arg *args, size_t nargs,
		   PGresult **out, struct err *err) MUST_USE;
/* Executes a statement that returns no rows; *changed is the number of rows
 * that it has changed. */
int postgres_change(struct postgres_conn *pg, const char *sql,
		    const struct postgres_arg *args, size_t nargs,
		    int64_t *changed, struct err *err) MUST_USE;

#define POSTGRES_NUMBERS_MAX 4

/* The only row of a result, or none. */
struct postgres_numbers {
	bool row;
	int64_t v[POSTGRES_NUMBERS_MAX]; /* its columns, as many as there are */
};

/* Executes a statement that returns at most one row, which has only numbers. */
int postgres_numbers(struct postgres_conn *pg, const char *sql,
		     const struct postgres_arg *args, size_t nargs,
		     struct postgres_numbers *out, struct err *err) MUST_USE;

/*
 * Executes a statement of the administrator, with values and rows as text: the
 * server converts the values to the types of the parameters, and the rows are
 * as psql shows them. It is repeated like postgres_query(), and must not be in
 * a transaction.
 */
int postgres_text(struct postgres_conn *pg, const char *sql,
		  const char *const *values, size_t n, PGresult **out,
		  struct err *err) MUST_USE;
/* Returns the number of parameters of such a statement, which is not run. */
int postgres_count_params(struct postgres_conn *pg, const char *sql, int *n,
			  struct err *err) MUST_USE;

/* Executes the statements of fn in one transaction, which is repeated after
 * 40001 and 40P01: fn must change nothing but *ctx, and must set all of it each
 * time. After the deadline no statement except the COMMIT is begun, and the
 * result is ERR_BUSY. */
int postgres_transaction(struct postgres_conn *pg,
			 int (*fn)(struct postgres_conn *pg, void *ctx,
				   struct err *err),
			 void *ctx, struct err *err) MUST_USE;

/* Read a field of a row, and check its type and length; the SQL value NULL is
 * an error. A number may be of any integer type, or boolean; a text may be
 * bytea as well, and points into the result if the arena is NULL. */
int postgres_get_int(const PGresult *r, int row, int column, int64_t *out,
		     struct err *err) MUST_USE;
int postgres_get_text(const PGresult *r, int row, int column, struct arena *a,
		      struct str *out, struct err *err) MUST_USE;
int postgres_get_bytes(const PGresult *r, int row, int column, void *out,
		       size_t n, struct err *err) MUST_USE;

#endif
