/* SPDX-License-Identifier: MIT */
/* Records of accounts in a SQLite file for the contract suite. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/set_option.h"

#include <sqlite3.h>

extern const struct factor_store_ops factors_sqlite;

static void
configure(const struct factor_store_ops *ops, void *conf,
	  const char *const *path)
{
	SET_OPTION(ops->base.driver.options, conf, "path", *path);
}

static void
execute(const char *path, const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void
refuse(const char *path, bool refuses)
{
	execute(path, refuses ? "ALTER TABLE account RENAME TO away_account;"
				"ALTER TABLE one_time RENAME TO away_one_time;"
				"ALTER TABLE outbox RENAME TO away_outbox" :
				"ALTER TABLE away_account RENAME TO account;"
				"ALTER TABLE away_one_time RENAME TO one_time;"
				"ALTER TABLE away_outbox RENAME TO outbox");
}

static void
damage(const char *path)
{
	execute(path, "UPDATE outbox SET body = x'00' WHERE kind = 'damaged'");
}

const struct factors_kind factors_kind = { .ops = &factors_sqlite,
					   .configure = configure,
					   .refuse = refuse,
					   .damage = damage };

int
kind_start(void)
{
	return 0;
}

void
kind_stop(void)
{
}
