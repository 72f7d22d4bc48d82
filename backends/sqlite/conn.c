/* SPDX-License-Identifier: MIT */
/*
 * Connections to a SQLite file. With synchronous=FULL an acknowledged sign-out
 * or change of a password survives a power failure.
 */
#include "backends/sqlite/file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The longest time that a worker waits for the write of another one. */
#define BUSY_MS	     2000
#define BUSY_STEP_MS 20

struct sqlite_conn {
	struct sqlite_file *file;
	sqlite3 *db;
	int waited_ms; /* for the write of another connection */
	int busy_ms; /* the longest such time */
	struct sqlite_place place;
	bool begun; /* the current operation has begun a transaction */
	sqlite3_stmt *stmts[SQLITE_STATEMENTS_MAX];
};

/* Returns whether the cause is in this program, so that trying again does not
 * help. The cause of any other error may be repaired from outside. */
static bool
is_our_fault(int code)
{
	return code == SQLITE_NOMEM || code == SQLITE_CONSTRAINT ||
	       code == SQLITE_MISUSE || code == SQLITE_RANGE;
}

static enum err_code
err_code_of(int code)
{
	if (is_our_fault(code))
		return ERR_INTERNAL;
	/* Another connection would not help; a damaged row, or the damaged page
	 * that it is on, must not affect the other rows. */
	if (code == SQLITE_BUSY || code == SQLITE_PROTOCOL ||
	    code == SQLITE_FULL || code == SQLITE_CORRUPT ||
	    code == SQLITE_TOOBIG || code == SQLITE_MISMATCH)
		return ERR_BUSY;
	return ERR_UNAVAILABLE;
}

static int
sqlite_conn_fail(const struct sqlite_conn *conn, struct err *err)
{
	int code = sqlite3_extended_errcode(conn->db);

	return err_set(err, err_code_of(code & 0xff), "%s: %s (SQLite code %d)",
		       conn->file->path, sqlite3_errmsg(conn->db), code);
}

int
sqlite_script(struct sqlite_conn *conn, const char *sql, struct err *err)
{
	if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_conn_fail(conn, err);
	return 0;
}

/* Asks for the WAL mode; *wal says whether SQLite has set it. The result is
 * SQLITE_OK even if it has not. */
static int
ask_for_wal(struct sqlite_conn *conn, bool *wal)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(conn->db, "PRAGMA main.journal_mode = WAL",
				    -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const unsigned char *mode = sqlite3_column_text(stmt, 0);

		*wal = mode != NULL && strcmp((const char *)mode, "wal") == 0;
	}
	return sqlite3_finalize(stmt);
}

/* Sets the WAL mode, which is changed once in the life of a file. SQLite does
 * not call the busy handler for that, so this function waits itself. */
static int
set_wal(struct sqlite_conn *conn, struct err *err)
{
	bool wal = false;
	int rc = ask_for_wal(conn, &wal);

	for (int waited = 0;
	     rc != SQLITE_OK && (rc & 0xff) == SQLITE_BUSY && waited < BUSY_MS;
	     waited += BUSY_STEP_MS) {
		(void)sqlite3_sleep(BUSY_STEP_MS); /* returns the time slept */
		rc = ask_for_wal(conn, &wal);
	}
	if (rc != SQLITE_OK)
		return sqlite_conn_fail(conn, err);
	if (!wal)
		return err_set(err, ERR_UNAVAILABLE,
			       "%s: cannot use WAL here (SQLite needs a local"
			       " file system)",
			       conn->file->path);
	return 0;
}

/* Waits a random time: with the handler of SQLite, connections that began to
 * wait at the same time would collide again. */
static int
wait_busy(void *conn, int before)
{
	struct sqlite_conn *c = conn;
	unsigned char random;

	if (before == 0)
		c->waited_ms = 0;
	if (c->waited_ms >= c->busy_ms)
		return 0;
	sqlite3_randomness(sizeof(random), &random);
	c->waited_ms += sqlite3_sleep(1 + random % 8);
	return 1;
}

static int
sqlite_conn_set_up(struct sqlite_conn *conn, struct err *err)
{
	static const struct {
		int option, value;
	} options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	};

	(void)sqlite3_extended_result_codes(conn->db, 1); /* always SQLITE_OK */
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (sqlite3_db_config(conn->db, options[i].option,
				      options[i].value,
				      (int *)NULL) != SQLITE_OK)
			return sqlite_conn_fail(conn, err);
	if (sqlite3_busy_handler(conn->db, wait_busy, conn) != SQLITE_OK)
		return sqlite_conn_fail(conn, err);
	if (sqlite3_db_readonly(conn->db, "main") != 0)
		return err_set(err, ERR_UNAVAILABLE, "%s: is not writable",
			       conn->file->path);
	if (set_wal(conn, err) != 0)
		return -1;
	return sqlite_script(conn,
			     "PRAGMA main.synchronous = FULL;"
			     "PRAGMA main.journal_size_limit = 67108864;"
			     "PRAGMA cell_size_check = ON;"
			     "PRAGMA temp_store = MEMORY",
			     err);
}

int
sqlite_connect(void *file, void **conn, struct err *err)
{
	struct sqlite_file *f = file;
	struct sqlite_conn *c;

	if (sqlite_file_find(f, err) != 0)
		return -1;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_nomem(err);
	c->file = f;
	c->busy_ms = BUSY_MS;
	sqlite_place_begin(&c->place, f);
	if (sqlite3_open_v2(f->path, &c->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
				SQLITE_OPEN_PRIVATECACHE,
			    f->vfs.zName) != SQLITE_OK) {
		(void)sqlite_conn_fail(c, err); /* -1 */
		sqlite_disconnect(c);
		return -1;
	}
	if (sqlite_conn_set_up(c, err) != 0 ||
	    sqlite_place_find(&c->place, c->db, err) != 0) {
		sqlite_disconnect(c);
		return -1;
	}
	atomic_store(&f->seen, true);
	*conn = c;
	return 0;
}

void
sqlite_disconnect(void *conn)
{
	struct sqlite_conn *c = conn;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(c->stmts); i++)
		/* returns the error of the last step */
		(void)sqlite3_finalize(c->stmts[i]);
	rc = sqlite3_close(c->db);
	assert(rc == SQLITE_OK);
	free(c);
}

void
sqlite_limit_waits(struct sqlite_conn *conn, int64_t ms)
{
	if (ms < conn->busy_ms)
		conn->busy_ms = (int)ms;
}

const char *
sqlite_real_path(const struct sqlite_conn *conn)
{
	return sqlite3_db_filename(conn->db, "main");
}

struct sqlite_place *
sqlite_place_of(struct sqlite_conn *conn)
{
	return &conn->place;
}

bool
sqlite_is_lost(void *conn, bool ask)
{
	struct sqlite_conn *c = conn;
	struct err ignored; /* connecting says why */

	c->begun = false;
	if (sqlite_place_is_alarmed(&c->place))
		return true;
	return (ask || !sqlite_place_is_fresh(&c->place)) &&
	       sqlite_place_check(&c->place, &ignored) != 0;
}

/* A write that is acknowledged must be in the file that has the name. */
static int
check_before(struct sqlite_conn *conn, sqlite3_stmt *stmt, struct err *err)
{
	const bool first = !conn->begun;

	conn->begun = true;
	if (sqlite3_stmt_readonly(stmt) != 0 &&
	    sqlite_place_is_fresh(&conn->place))
		return 0;
	if (sqlite_place_check(&conn->place, err) == 0)
		return 0;
	if (first)
		err->code = ERR_UNDONE;
	return -1;
}

static int
sqlite_conn_prepare(struct sqlite_conn *conn, size_t which, sqlite3_stmt **out,
		    struct err *err)
{
	if (conn->stmts[which] == NULL) {
		const char *sql = which < SQL_OWN ?
				      sqlite_common_sql[which] :
				      conn->file->spec->sql[which];

		if (sqlite3_prepare_v3(conn->db, sql, -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &conn->stmts[which], NULL) != SQLITE_OK)
			return sqlite_conn_fail(conn, err);
	}
	*out = conn->stmts[which];
	return 0;
}

static int
sqlite_conn_bind(sqlite3_stmt *stmt, int at, const struct sqlite_arg *arg)
{
	const char *p = arg->bytes.p != NULL ? arg->bytes.p : "";
	sqlite3_uint64 n = arg->bytes.n;

	switch (arg->type) {
	case SQLITE_ARG_INT:
		return sqlite3_bind_int64(stmt, at, arg->number);
	case SQLITE_ARG_TEXT:
		return sqlite3_bind_text64(stmt, at, p, n, SQLITE_STATIC,
					   SQLITE_UTF8);
	case SQLITE_ARG_BLOB:
		break;
	}
	if (arg->bytes.p == NULL)
		return sqlite3_bind_null(stmt, at);
	return sqlite3_bind_blob64(stmt, at, p, n, SQLITE_STATIC);
}

void
sqlite_finish(sqlite3_stmt *stmt)
{
	(void)sqlite3_reset(stmt); /* returns the error of the last step */
	(void)sqlite3_clear_bindings(stmt); /* always SQLITE_OK */
}

int
sqlite_query(struct sqlite_conn *conn, size_t which,
	     const struct sqlite_arg *args, size_t nargs, sqlite3_stmt **out,
	     struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite_conn_prepare(conn, which, &stmt, err) != 0)
		return -1;
	/* Once per transaction, before its first statement. */
	if (sqlite3_get_autocommit(conn->db) != 0 &&
	    check_before(conn, stmt, err) != 0)
		return -1;
	for (size_t i = 0; i < nargs; i++) {
		if (sqlite_conn_bind(stmt, (int)i + 1, &args[i]) != SQLITE_OK) {
			(void)sqlite_conn_fail(conn, err); /* -1 */
			sqlite_finish(stmt);
			return -1;
		}
	}
	*out = stmt;
	return 0;
}

int
sqlite_next(struct sqlite_conn *conn, sqlite3_stmt *stmt, bool *row,
	    struct err *err)
{
	int rc = sqlite3_step(stmt);
	bool done = rc == SQLITE_DONE;

	if (rc == SQLITE_ROW) {
		*row = true;
		return 0;
	}
	if (!done)
		(void)sqlite_conn_fail(conn, err); /* -1 */
	sqlite_finish(stmt);
	if (!done)
		return -1;
	*row = false;
	return 0;
}

int
sqlite_change(struct sqlite_conn *conn, size_t which,
	      const struct sqlite_arg *args, size_t nargs, int64_t *changed,
	      struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (sqlite_query(conn, which, args, nargs, &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &row, err) != 0)
		return -1;
	assert(!row);
	*changed = sqlite3_changes(conn->db);
	return 0;
}

int
sqlite_numbers(struct sqlite_conn *conn, size_t which,
	       const struct sqlite_arg *args, size_t nargs,
	       struct sqlite_numbers *out, struct err *err)
{
	struct sqlite_numbers r = { .row = false };
	sqlite3_stmt *stmt = NULL;
	int n;

	if (sqlite_query(conn, which, args, nargs, &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &r.row, err) != 0)
		return -1;
	n = r.row ? sqlite3_column_count(stmt) : 0;
	assert(n <= SQLITE_NUMBERS_MAX);
	for (int i = 0; i < n; i++)
		r.v[i] = sqlite3_column_int64(stmt, i);
	/* A statement that writes is committed only when it has finished. */
	if (r.row && sqlite_next(conn, stmt, &(bool){ false }, err) != 0)
		return -1;
	*out = r;
	return 0;
}

/* Runs one of the common statements without arguments, up to its first row. */
static int
run_common(struct sqlite_conn *conn, size_t which, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (sqlite_query(conn, which, NULL, 0, &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &row, err) != 0)
		return -1;
	if (row)
		sqlite_finish(stmt);
	return 0;
}

int
sqlite_begin(struct sqlite_conn *conn, struct err *err)
{
	return run_common(conn, SQL_BEGIN, err);
}

static void
sqlite_conn_roll_back(struct sqlite_conn *conn)
{
	struct err ignored;

	/* After some failures SQLite has already rolled back. */
	if (sqlite3_get_autocommit(conn->db) == 0)
		(void)run_common(conn, SQL_ROLLBACK, &ignored);
}

int
sqlite_end(struct sqlite_conn *conn, int result, struct err *err)
{
	if (result == 0 && run_common(conn, SQL_COMMIT, err) == 0)
		return 0;
	sqlite_conn_roll_back(conn);
	/* If the rollback fails, the connection must be closed, which ends the
	 * transaction as well. */
	if (sqlite3_get_autocommit(conn->db) == 0)
		err->code = ERR_UNAVAILABLE;
	return -1;
}

const struct sqlite_spec *
sqlite_spec_of(const struct sqlite_conn *conn)
{
	return conn->file->spec;
}

int
sqlite_relax(struct sqlite_conn *conn, bool relaxed, struct err *err)
{
	return sqlite_script(conn,
			     relaxed ? "PRAGMA main.synchronous = NORMAL" :
				       "PRAGMA main.synchronous = FULL",
			     err);
}

int
sqlite_get_text(sqlite3_stmt *stmt, int column, struct arena *a,
		struct str *out, struct err *err)
{
	const unsigned char *p = sqlite3_column_text(stmt, column);
	int n = sqlite3_column_bytes(stmt, column);

	if (p == NULL && n != 0)
		return err_nomem(err);
	if (arena_copy(a, (struct str){ .p = (const char *)p, .n = (size_t)n },
		       out) != 0)
		return err_nomem(err);
	return 0;
}

int
sqlite_get_blob(sqlite3_stmt *stmt, int column, void *out, size_t n,
		struct err *err)
{
	const void *p = sqlite3_column_blob(stmt, column);

	if (p == NULL || (size_t)sqlite3_column_bytes(stmt, column) != n)
		return err_set(err, ERR_BUSY,
			       "damaged row: a column must have %zu bytes", n);
	memcpy(out, p, n);
	return 0;
}

static int
sqlite_conn_try_all(struct sqlite_conn *conn, struct err *err)
{
	if (run_common(conn, SQL_PING, err) != 0 ||
	    run_common(conn, SQL_PING_UNDO, err) != 0)
		return -1;
	return run_common(conn, conn->file->spec->probe, err);
}

/* Commits a write, because only a commit notices that the disk is full or has
 * become read-only. The write may be lost, so there is no need to wait for the
 * disk. */
int
sqlite_ping(void *conn, struct err *err)
{
	struct sqlite_conn *c = conn;
	struct err second;
	int result;

	if (sqlite_relax(c, true, err) != 0)
		return -1;
	result = sqlite_begin(c, err);
	if (result == 0)
		result = sqlite_end(c, sqlite_conn_try_all(c, err), err);
	if (sqlite_relax(c, false, result == 0 ? err : &second) != 0)
		return -1;
	return result;
}
