/* SPDX-License-Identifier: MIT */
/*
 * What the SQLite backends share: a connection of one worker to one file, its
 * prepared statements, the schema of one component in it.
 *
 * Several components (sessions, users) and several processes may share a file.
 * Every transaction that writes begins IMMEDIATE, or is one writing statement,
 * which is the same: none reads first and then finds that it cannot write.
 */
#ifndef BACKENDS_SQLITE_CONN_H
#define BACKENDS_SQLITE_CONN_H

#include "strategy/backend.h"

#include <sqlite3.h>

struct sqlite_conf {
	const char *path;
};

#define SQLITE_DEFAULT_PATH "/var/lib/fcgiauth/fcgiauth.db"

/* What one backend keeps in the file; constant. */
struct sqlite_spec {
	const char *component; /* its row in schema_version */
	const char *const *steps; /* migrations: steps[0] leads to version 1 */
	size_t nsteps;
	const char *const *sql; /* its statements, from SQL_OWN on */
	size_t nsql;
	size_t look; /* the one that reads a table of it, without arguments */
};

/* Statements that every link has; a spec's own follow, by index. */
enum sqlite_common {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_PING,
	SQL_PING_UNDO,
	SQL_HAS_VERSIONS,
	SQL_MAKE_VERSIONS,
	SQL_VERSION,
	SQL_SET_VERSION,
	SQL_OWN
};

extern const char *const sqlite_common_sql[]; /* in sqlite_schema.c */

#define SQLITE_STATEMENTS_MAX 64

/* A worker's connection: the `conn` of the ops. */
struct sqlite_link;

/* For the slots of the ops, but for open(), which says what is kept. */
int sqlite_file_open(const struct sqlite_spec *spec,
		     const struct sqlite_conf *conf, void **file,
		     struct err *err) MUST_USE;
void sqlite_file_close(void *file);
int sqlite_connect(void *file, void **conn, struct err *err) MUST_USE;
void sqlite_disconnect(void *conn);
int sqlite_ping(void *conn, struct err *err) MUST_USE;
int sqlite_schema(void *conn, struct schema_state *out,
		  struct err *err) MUST_USE;
int sqlite_migrate(void *conn, struct err *err) MUST_USE;

/* A value for ?1, ?2 ...; borrowed until the statement is finished. */
struct sqlite_arg {
	enum {
		SQLITE_ARG_INT,
		SQLITE_ARG_TEXT,
		SQLITE_ARG_BLOB
	} type;
	int64_t number;
	struct str bytes; /* a BLOB whose p is NULL is NULL */
};

#define SQL_INT(v)                                                             \
	((struct sqlite_arg){ .type = SQLITE_ARG_INT, .number = (v) })
#define SQL_TEXT(s)                                                            \
	((struct sqlite_arg){ .type = SQLITE_ARG_TEXT, .bytes = (s) })
#define SQL_BLOB(ptr, len)                                                     \
	((struct sqlite_arg){                                                  \
	    .type = SQLITE_ARG_BLOB,                                           \
	    .bytes = { .p = (const void *)(ptr), .n = (len) } })
#define SQL_ARGS(...)                                                          \
	(const struct sqlite_arg[]){ __VA_ARGS__ },                            \
	    ARRAY_LEN(((const struct sqlite_arg[]){ __VA_ARGS__ }))

/* Binds; sqlite_next() runs it. */
int sqlite_query(struct sqlite_link *l, size_t which,
		 const struct sqlite_arg *args, size_t nargs,
		 sqlite3_stmt **out, struct err *err) MUST_USE;
/* The next row; without one, and on failure, the statement is finished. */
int sqlite_next(struct sqlite_link *l, sqlite3_stmt *stmt, bool *row,
		struct err *err) MUST_USE;
/* Before the last row: a statement left open would hold its snapshot. */
void sqlite_finish(sqlite3_stmt *stmt);

/* Runs a statement that gives no rows; *changed says how many it touched. */
int sqlite_change(struct sqlite_link *l, size_t which,
		  const struct sqlite_arg *args, size_t nargs, int64_t *changed,
		  struct err *err) MUST_USE;

/* A transaction: end commits when `result` is 0 and rolls back when not. */
int sqlite_begin(struct sqlite_link *l, struct err *err) MUST_USE;
int sqlite_end(struct sqlite_link *l, int result, struct err *err) MUST_USE;

/* Several statements of a migration, in a transaction. */
int sqlite_script(struct sqlite_link *l, const char *sql,
		  struct err *err) MUST_USE;
const struct sqlite_spec *sqlite_spec_of(const struct sqlite_link *l);

/* Commits that a power failure may undo: not for what was promised. */
int sqlite_relax(struct sqlite_link *l, bool relaxed, struct err *err) MUST_USE;

/* Columns of the current row. */
int sqlite_get_text(sqlite3_stmt *stmt, int column, struct arena *a,
		    struct str *out, struct err *err) MUST_USE;
int sqlite_get_blob(sqlite3_stmt *stmt, int column, void *out, size_t n,
		    struct err *err) MUST_USE;

#endif
