/* SPDX-License-Identifier: MIT */
/* The schema of one component in a SQLite file: version and migrations. */
#include "backends/sqlite/conn.h"
#include "strategy/health.h"

const char *const sqlite_common_sql[] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	/* Together these two change nothing, but a page is written. */
	[SQL_PING] = "INSERT INTO main.schema_version VALUES ('ping', 0)",
	[SQL_PING_UNDO] =
	    "DELETE FROM main.schema_version WHERE component = 'ping'",
	[SQL_HAS_VERSIONS] = "SELECT 1 FROM main.sqlite_schema WHERE"
			     " type = 'table' AND name = 'schema_version'",
	[SQL_MAKE_VERSIONS] =
	    "CREATE TABLE IF NOT EXISTS main.schema_version (component TEXT"
	    " NOT NULL PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID",
	[SQL_VERSION] =
	    "SELECT version FROM main.schema_version WHERE component = ?1",
	[SQL_SET_VERSION] =
	    "INSERT INTO main.schema_version VALUES (?1, ?2) ON CONFLICT"
	    " (component) DO UPDATE SET version = excluded.version",
};

static int
sqlite_schema_read_version(struct sqlite_conn *conn, int64_t *version,
			   struct err *err)
{
	struct str component = str_from(sqlite_spec_of(conn)->component);
	sqlite3_stmt *stmt = NULL;
	int64_t found = 0;
	bool row;

	if (sqlite_query(conn, SQL_HAS_VERSIONS, NULL, 0, &stmt, err) != 0 ||
	    sqlite_next(conn, stmt, &row, err) != 0)
		return -1;
	if (row) {
		sqlite_finish(stmt);
		if (sqlite_query(conn, SQL_VERSION,
				 SQL_ARGS(SQL_TEXT(component)), &stmt,
				 err) != 0 ||
		    sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
	}
	if (row) {
		found = sqlite3_column_int64(stmt, 0);
		sqlite_finish(stmt);
	}
	*version = found;
	return 0;
}

int
sqlite_schema(void *conn, struct schema_state *out, struct err *err)
{
	struct sqlite_conn *c = conn;
	int64_t have;

	if (sqlite_schema_read_version(c, &have, err) != 0)
		return -1;
	*out = (struct schema_state){
		.have = have,
		.want = (int64_t)sqlite_spec_of(c)->nsteps,
	};
	return 0;
}

static int
write_version(struct sqlite_conn *conn, int64_t version, struct err *err)
{
	struct str component = str_from(sqlite_spec_of(conn)->component);
	int64_t changed;

	return sqlite_change(conn, SQL_SET_VERSION,
			     SQL_ARGS(SQL_TEXT(component), SQL_INT(version)),
			     &changed, err);
}

/* Makes one step of the migration. It must run in a transaction, so that the
 * version stays as it was read. */
static int
sqlite_schema_step(struct sqlite_conn *conn, bool *done, struct err *err)
{
	const struct sqlite_spec *spec = sqlite_spec_of(conn);
	int64_t have, want = (int64_t)spec->nsteps, ignored;

	if (sqlite_change(conn, SQL_MAKE_VERSIONS, NULL, 0, &ignored, err) !=
		0 ||
	    sqlite_schema_read_version(conn, &have, err) != 0)
		return -1;
	if (have < 0 || have > want)
		return health_refuse(HEALTH_NEWER,
				     &(struct schema_state){ .have = have,
							     .want = want },
				     err);
	if (have < want && (sqlite_script(conn, spec->steps[have], err) != 0 ||
			    write_version(conn, have + 1, err) != 0))
		return err_context(err, "migration %s %lld", spec->component,
				   (long long)have + 1);
	*done = have + 1 >= want;
	return 0;
}

int
sqlite_migrate(void *conn, struct err *err)
{
	struct sqlite_conn *c = conn;
	bool done = false;

	while (!done) {
		if (sqlite_begin(c, err) != 0)
			return -1;
		if (sqlite_end(c, sqlite_schema_step(c, &done, err), err) != 0)
			return -1;
	}
	return 0;
}
