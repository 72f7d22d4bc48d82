/* SPDX-License-Identifier: MIT */
/*
 * What the Postgres backends share: a connection of one worker, constant
 * statements with bound parameters in binary, the schema of one component.
 *
 * Our tables are in the schema `fcgiauth`, always named with it.  A statement
 * is one round trip by the extended protocol without a name, so that a pooler
 * in transaction mode may stand between.  Every wait has a deadline.  A
 * connection that is lost, a server that shuts down, starts up or is
 * read-only, and a deadline that has passed are ERR_UNAVAILABLE; one that ended
 * because it was idle is ERR_UNDONE; a lock that
 * is not given, a statement that the server cancels, a full disk, a conflict
 * that does not end and what a row makes a statement fail by are ERR_BUSY.
 */
#ifndef BACKENDS_POSTGRES_CONN_H
#define BACKENDS_POSTGRES_CONN_H

#include "strategy/backend.h"

#include <libpq-fe.h>

/* What the keys of a section that speaks to Postgres fill: the first member of
 * the driver's own struct, when that has more. */
struct postgres_conf {
	struct str conninfo; /* any libpq string */
	int64_t connect_timeout, timeout; /* seconds; the first for each host */
};

#define POSTGRES_CONNINFO_MAX 4096

/* Its keys, at the head of the driver's table of options. */
#define POSTGRES_OPTIONS                                                       \
	OPTION(SECRET, struct postgres_conf, conninfo,                         \
	       .max = POSTGRES_CONNINFO_MAX, .flags = OPTION_REQUIRED,         \
	       .help =                                                         \
		   "The server, as a connection string or URI of libpq:"       \
		   " host=db1,db2 dbname=auth user=fcgiauth"                   \
		   " target_session_attrs=read-write sslmode=verify-full,"     \
		   " for example.  Several hosts are tried in their order;"    \
		   " passfile and service work.  Our tables are in the schema" \
		   " fcgiauth, made by fcgiauthctl store migrate.  When"       \
		   " another role runs that, the service's own needs USAGE of" \
		   " the schema, and SELECT, INSERT, UPDATE and DELETE on its" \
		   " tables.  What is acknowledged is as durable as the"       \
		   " server makes it: with synchronous_commit off a crash,"    \
		   " and with an asynchronous standby a failover, takes back"  \
		   " the last logins, but also logouts, refreshes, bans and"   \
		   " changes of users."),                                      \
	    OPTION(SECONDS, struct postgres_conf, connect_timeout,             \
		   .def = "2s", .min = 2, .max = 60,                           \
		   .help = "How long one host may take to accept a"            \
			   " connection; connect_timeout in conninfo wins."),  \
	    OPTION(SECONDS, struct postgres_conf, timeout, .def = "2s",        \
		   .min = 1, .max = 60,                                        \
		   .help =                                                     \
		       "How long one statement may take.  What meets a"        \
		       " connection that was closed or lost while it was idle" \
		       " is done once more on a new one, when that does no"    \
		       " harm.  The server is told"                            \
		       " to give up a little before (statement_timeout,"       \
		       " lock_timeout, idle_in_transaction_session_timeout),"  \
		       " unless conninfo has options.  A pooler that refuses"  \
		       " options goes without: set them for the role then.")

int postgres_check(const void *conf, struct err *err); /* the `check` slot */

/* What one backend keeps in the database; constant. */
struct postgres_spec {
	const char *component; /* its row in fcgiauth.schema_version */
	const char *const *steps; /* migrations: steps[0] leads to version 1 */
	size_t nsteps; /* 0: it has no tables of its own */
	/* Without arguments: succeeds when its tables can be used for all
	 * that ping() is about.  NULL: any answer will do. */
	const char *look;
};

/* For the slots of the ops, but for open(), which says what is kept. */
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

struct postgres_link;

/* A value for $1, $2 ...; borrowed for the call. */
struct postgres_arg {
	enum {
		POSTGRES_ARG_INT, /* bigint */
		POSTGRES_ARG_TEXT,
		POSTGRES_ARG_BYTES /* bytea; p NULL is NULL */
	} type;
	int64_t number;
	struct str bytes;
};

#define POSTGRES_ARGS_MAX 20

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
 * One statement; *out is PQclear()ed by the caller and has its rows in binary.
 * Outside a transaction a serialisation failure or deadlock (40001, 40P01) is
 * tried again, with a random wait, as long as the deadline allows.
 */
int postgres_query(struct postgres_link *l, const char *sql,
		   const struct postgres_arg *args, size_t nargs,
		   PGresult **out, struct err *err) MUST_USE;
/* A statement that gives no rows; *changed says how many it touched. */
int postgres_change(struct postgres_link *l, const char *sql,
		    const struct postgres_arg *args, size_t nargs,
		    int64_t *changed, struct err *err) MUST_USE;

/*
 * A statement that somebody else wrote, in text both ways: the values are of
 * the types that it gives its parameters, the rows are as psql shows them.
 * Tried again as above; not in a transaction.
 */
int postgres_text(struct postgres_link *l, const char *sql,
		  const char *const *values, size_t n, PGresult **out,
		  struct err *err) MUST_USE;
/* How many parameters such a statement has; it is not run. */
int postgres_count_params(struct postgres_link *l, const char *sql, int *n,
			  struct err *err) MUST_USE;

/* fn's statements in one transaction, begun anew after 40001 and 40P01: fn
 * changes nothing but *ctx, which it fills wholly each time.  After the
 * deadline no statement is begun but the COMMIT: ERR_BUSY. */
int postgres_transaction(struct postgres_link *l,
			 int (*fn)(struct postgres_link *l, void *ctx,
				   struct err *err),
			 void *ctx, struct err *err) MUST_USE;

/* A field of a row, checked for its type and length; NULL is a failure.  A
 * number may be of any integer type, or boolean; a text also bytea, and with
 * a NULL it points into the result. */
int postgres_get_int(const PGresult *r, int row, int column, int64_t *out,
		     struct err *err) MUST_USE;
int postgres_get_text(const PGresult *r, int row, int column, struct arena *a,
		      struct str *out, struct err *err) MUST_USE;
int postgres_get_bytes(const PGresult *r, int row, int column, void *out,
		       size_t n, struct err *err) MUST_USE;

#endif
