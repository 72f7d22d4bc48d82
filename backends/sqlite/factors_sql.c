/* SPDX-License-Identifier: MIT */
/* The statements of the SQLite factor store. */
#include "backends/sqlite/factors_sql.h"

#include "strategy/factor_store.h"

#define SECRET_COLUMNS "hash, kind, name, data, created_ms, expires_ms"
#define MAIL_COLUMNS                                                           \
	"id, name, recipient, kind, body, created_ms, next_ms, expires_ms,"    \
	" tries"

/* ?1 hash, ?2 kind, ?3 now_ms, ?4 the latest created_ms. */
#define IS_VALID                                                               \
	" WHERE hash = ?1 AND kind = ?2 AND expires_ms > ?3"                   \
	" AND created_ms <= ?4"

/* Deletes at most ?2 rows that have expired at ?1, or to which `or` applies. */
#define SWEEP(table, key, or)                                                  \
	"DELETE FROM main." table " WHERE (" key ") IN (SELECT " key           \
	" FROM main." table " WHERE expires_ms <= ?1" or                       \
	    " LIMIT ?2)"

/* True of a mail that no other program has damaged: a damaged one must not keep
 * the others from being sent. */
#define IS_MAIL                                                                \
	"typeof(id) = 'blob' AND length(id) = 16"                              \
	" AND typeof(name) = 'text'"                                           \
	" AND length(CAST(name AS BLOB)) <= 64"                                \
	" AND typeof(recipient) = 'text'"                                      \
	" AND length(CAST(recipient AS BLOB)) <= 254"                          \
	" AND typeof(kind) = 'text'"                                           \
	" AND length(CAST(kind AS BLOB)) <= 32"                                \
	" AND typeof(body) = 'text'"                                           \
	" AND length(CAST(body AS BLOB)) <= 16384"                             \
	" AND typeof(created_ms) = 'integer'"                                  \
	" AND typeof(next_ms) = 'integer'"                                     \
	" AND typeof(expires_ms) = 'integer'"                                  \
	" AND typeof(tries) = 'integer'"

_Static_assert(MAIL_ID_BYTES == 16 && IDENTITY_NAME_MAX == 64 &&
		   MAIL_ADDRESS_MAX == 254 && MAIL_KIND_MAX == 32 &&
		   MAIL_BODY_MAX == 16384,
	       "IS_MAIL has these numbers");

const char *const sqlite_factors_sql[FACTORS_SQL_END] = {
	[FACTORS_SQL_PROBE] =
	    "SELECT (SELECT count(must_change) FROM main.account"
	    " WHERE name = ''), (SELECT count(expires_ms)"
	    " FROM main.one_time WHERE name = '' AND kind = 0),"
	    " (SELECT count(tries) FROM main.outbox WHERE id = x'')",
	[FACTORS_SQL_ACCOUNT] =
	    "SELECT handle, must_change, verified_email, notify,"
	    " since_ms FROM main.account WHERE name = ?1",
	/* ?7 is the set of fields. */
	[FACTORS_SQL_ACCOUNT_SET] =
	    "INSERT INTO main.account AS a (name, handle, must_change,"
	    " verified_email, notify, since_ms)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO UPDATE SET"
	    " must_change = iif(?7 & 1, ?3, a.must_change),"
	    " verified_email = iif(?7 & 2, ?4, a.verified_email),"
	    " notify = iif(?7 & 4, ?5, a.notify)",
	[FACTORS_SQL_PUT] =
	    "INSERT INTO main.one_time (" SECRET_COLUMNS ", alone)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	    " ON CONFLICT (name, kind) WHERE alone = 1 DO UPDATE SET"
	    " hash = ?1, data = ?4, created_ms = ?5, expires_ms = ?6",
	[FACTORS_SQL_PEEK] =
	    "SELECT " SECRET_COLUMNS " FROM main.one_time" IS_VALID,
	[FACTORS_SQL_TAKE] =
	    "DELETE FROM main.one_time" IS_VALID " RETURNING " SECRET_COLUMNS,
	[FACTORS_SQL_VOID] =
	    "DELETE FROM main.one_time WHERE name = ?1 AND kind & ?2 <> 0",
	[FACTORS_SQL_MAIL_ADD] = "INSERT INTO main.outbox (" MAIL_COLUMNS ")"
				 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 0)",
	/* ?1 now_ms, ?2 limit. */
	[FACTORS_SQL_MAIL_DUE] = "SELECT " MAIL_COLUMNS " FROM main.outbox"
				 " WHERE next_ms <= ?1 AND expires_ms > ?1"
				 " AND " IS_MAIL " ORDER BY next_ms LIMIT ?2",
	[FACTORS_SQL_MAIL_LEASE] =
	    "UPDATE main.outbox SET next_ms = ?2, tries = tries + 1"
	    " WHERE id = ?1",
	[FACTORS_SQL_MAIL_DONE] = "DELETE FROM main.outbox WHERE id = ?1",
	[FACTORS_SQL_MAIL_RETRY] = "UPDATE main.outbox SET next_ms = ?3"
				   " WHERE id = ?1 AND tries = ?2",
	[FACTORS_SQL_REMOVE_ACCOUNT] =
	    "DELETE FROM main.account WHERE name = ?1",
	[FACTORS_SQL_REMOVE_SECRETS] =
	    "DELETE FROM main.one_time WHERE name = ?1",
	[FACTORS_SQL_REMOVE_MAILS] = "DELETE FROM main.outbox WHERE name = ?1",
	[FACTORS_SQL_SWEEP_SECRETS] = SWEEP("one_time", "hash, kind", ""),
	[FACTORS_SQL_SWEEP_MAILS] =
	    SWEEP("outbox", "id", " OR NOT (" IS_MAIL ")"),
};
