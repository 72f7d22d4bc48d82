/* SPDX-License-Identifier: MIT */
/* Users in a SQLite file for the contract suite. */
#include "tests/contract/users/fixture.h"
#include "tests/support/set_option.h"

#include <sqlite3.h>

extern const struct user_source_ops users_sqlite;

static void
configure(const struct user_source_ops *ops, void *conf,
	  const char *const *path)
{
	SET_OPTION(ops->base.driver.options, conf, "path", *path);
}

static void
refuse(const char *path, bool refuses)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db,
				      refuses ?
					  "ALTER TABLE users RENAME TO away" :
					  "ALTER TABLE away RENAME TO users",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

const struct users_kind users_kind = { .ops = &users_sqlite,
				       .configure = configure,
				       .refuse = refuse };

int
kind_start(void)
{
	return 0;
}

void
kind_stop(void)
{
}
