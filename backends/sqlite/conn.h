/* SPDX-License-Identifier: MIT */
/*
 * The parts that the SQLite backends share: the connection of one worker to one
 * file, its prepared statements, and the schema of one component in the file.
 *
 * Several components (sessions, users) and several processes may share a file.
 * Every transaction that writes begins with BEGIN IMMEDIATE or is a single
 * writing statement, which has the same effect: no transaction reads first and
 * then finds that it cannot write.
 */
#ifndef BACKENDS_SQLITE_CONN_H
#define BACKENDS_SQLITE_CONN_H

#include "strategy/backend.h"

#include <sqlite3.h>

struct sqlite_conf {
	const char *path;
};

#define SQLITE_DEFAULT_PATH "/var/lib/fcgiauth/fcgiauth.db"

/* The schema and the statements of one backend; constant. */
struct sqlite_spec {
	const char *component; /* its row in schema_version */
	const char *const *steps; /* migrations: steps[0] leads to version 1 */
	size_t nsteps;
	const char *const *sql; /* its statements, from SQL_OWN on */
	size_t nsql;
	size_t probe; /* a statement without arguments that reads a table */
};

/* Indexes of the statements that every connection has; those of a spec
 * follow. */
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

extern const char *const sqlite_common_sql[]; /* in schema.c */

#define SQLITE_STATEMENTS_MAX 64

/* The connection of a worker: the `conn` of the ops. */
struct sqlite_conn;
struct sqlite_place;

/* These implement the operations of the ops, except open(), which calls
 * sqlite_file_open() with its spec. */
int sqlite_file_open(const struct sqlite_spec *spec,
		     const struct sqlite_conf *conf, const struct env *env,
		     void **file, struct err *err) MUST_USE;
void sqlite_file_close(void *file);
int sqlite_connect(void *file, void **conn, struct err *err) MUST_USE;
void sqlite_disconnect(void *conn);
bool sqlite_is_lost(void *conn, bool ask) MUST_USE;
int sqlite_ping(void *conn, struct err *err) MUST_USE;
int sqlite_schema(void *conn, struct schema_state *out,
		  struct err *err) MUST_USE;
int sqlite_migrate(void *conn, struct err *err) MUST_USE;

/* The members of struct backend_ops that are the same for all ops. */
#define SQLITE_LIFE                                                            \
	.close = sqlite_file_close, .connect = sqlite_connect,                 \
	.disconnect = sqlite_disconnect, .is_lost = sqlite_is_lost,            \
	.ping = sqlite_ping, .schema = sqlite_schema,                          \
	.migrate = sqlite_migrate

/* A value for ?1, ?2 ...; it is borrowed until the statement is finished. */
struct sqlite_arg {
	enum { SQLITE_ARG_INT, SQLITE_ARG_TEXT, SQLITE_ARG_BLOB } type;
	int64_t number;
	struct str bytes; /* if p is NULL, a BLOB is the SQL value NULL */
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

/* Sets the longest time that this connection waits for others, if it is less
 * than by default. */
void sqlite_limit_waits(struct sqlite_conn *conn, int64_t ms);

/* Returns the place of its file (file.h). Answers from a file that was replaced
 * or removed would be wrong, so sqlite_is_lost() and the functions below check
 * the place: before every transaction that writes, and otherwise once in a
 * second and after an alarm. */
struct sqlite_place *sqlite_place_of(struct sqlite_conn *conn);

/* Returns the path of the database without symbolic links. */
const char *sqlite_real_path(const struct sqlite_conn *conn);

/* Binds the arguments of a statement; sqlite_next() executes it. */
int sqlite_query(struct sqlite_conn *conn, size_t which,
		 const struct sqlite_arg *args, size_t nargs,
		 sqlite3_stmt **out, struct err *err) MUST_USE;
/* Reads the next row. If there is none, and on an error, the statement is
 * finished. */
int sqlite_next(struct sqlite_conn *conn, sqlite3_stmt *stmt, bool *row,
		struct err *err) MUST_USE;
/* Must be called if not all rows are read: an open statement would hold its
 * snapshot of the database. */
void sqlite_finish(sqlite3_stmt *stmt);

/* Executes a statement that returns no rows; *changed is the number of rows
 * that it has changed. */
int sqlite_change(struct sqlite_conn *conn, size_t which,
		  const struct sqlite_arg *args, size_t nargs, int64_t *changed,
		  struct err *err) MUST_USE;

#define SQLITE_NUMBERS_MAX 4

/* The only row of a result, or none. */
struct sqlite_numbers {
	bool row;
	int64_t v[SQLITE_NUMBERS_MAX]; /* its columns, as many as there are */
};

/* Executes a statement that returns at most one row, which has only numbers. */
int sqlite_numbers(struct sqlite_conn *conn, size_t which,
		   const struct sqlite_arg *args, size_t nargs,
		   struct sqlite_numbers *out, struct err *err) MUST_USE;

/* Begin and end a transaction. The end is a commit if `result` is 0, else a
 * rollback. */
int sqlite_begin(struct sqlite_conn *conn, struct err *err) MUST_USE;
int sqlite_end(struct sqlite_conn *conn, int result, struct err *err) MUST_USE;

/* Executes several statements of a migration, within a transaction. */
int sqlite_script(struct sqlite_conn *conn, const char *sql,
		  struct err *err) MUST_USE;
const struct sqlite_spec *sqlite_spec_of(const struct sqlite_conn *conn);

/* If relaxed, a power failure may undo later commits; so it must not be used
 * for changes that are acknowledged. */
int sqlite_relax(struct sqlite_conn *conn, bool relaxed,
		 struct err *err) MUST_USE;

/* Read columns of the current row. */
int sqlite_get_text(sqlite3_stmt *stmt, int column, struct arena *a,
		    struct str *out, struct err *err) MUST_USE;
int sqlite_get_blob(sqlite3_stmt *stmt, int column, void *out, size_t n,
		    struct err *err) MUST_USE;

#endif
