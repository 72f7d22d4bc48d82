/* SPDX-License-Identifier: MIT */
/* The SQLite store of the contract suite. */
#include "tests/contract/store/fixture.h"
#include "tests/support/set_option.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

extern const struct session_store_ops store_sqlite;

static void
configure(const struct session_store_ops *ops, void *conf, const char *path)
{
	SET_OPTION(ops->base.driver.options, conf, "path", path);
}

/* Renames the tables, so that every statement fails. */
static void
refuse(const char *path, bool refuses)
{
	static const char *const tables[] = { "sessions", "attempts", "secrets",
					      "denials", "known_networks" };
	sqlite3 *db;
	char sql[100];

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		(void)snprintf(sql, sizeof(sql),
			       "ALTER TABLE %s%s RENAME TO %s%s",
			       refuses ? "" : "away_", tables[i],
			       refuses ? "away_" : "", tables[i]);
		ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) ==
				  SQLITE_OK,
			      "%s: %s", sql, sqlite3_errmsg(db));
	}
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

const struct store_kind store_kinds[] = {
	{ .ops = &store_sqlite,
	  .configure = configure,
	  .refuse = refuse,
	  .has_feed = true },
};
const size_t store_nkinds = ARRAY_LEN(store_kinds);

int
kinds_start(void)
{
	return 0;
}

void
kinds_stop(void)
{
}
