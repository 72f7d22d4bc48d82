/* SPDX-License-Identifier: MIT */
/*
 * The statements of the Postgres store. A statement that writes is correct
 * even if another one changes the row at the same time: after waiting for the
 * row the server evaluates the condition again.
 */
#include "backends/postgres/store_sql.h"

#define COLUMNS                                                                \
	"id, token, name, roles, email, full_name, created_ms, last_seen_ms,"  \
	" idle_expires_ms, expires_ms, remember, address, user_agent,"         \
	" generation, mark, auth_ms"

/* $1 id, $2 now_ms. A session ends as well if its generation cannot grow. */
#define ROTATABLE                                                              \
	" id = $1 AND idle_expires_ms > $2 AND expires_ms > $2"                \
	" AND generation < 4294967295"

/* $3 generation, $4 presented, $5 grace_ms. */
#define IS_CURRENT " token = $4"
#define IS_GRACE                                                               \
	"(parent = $4 AND $5 > 0 AND $2 - rotated_ms <= $5"                    \
	" AND rotated_ms - $2 <= $5)"

/* This is seen_ahead() of strategy/clock.h, at $2. */
#define SEEN_AHEAD "last_seen_ms - 300000 > $2"

/* $2 now_ms, $3 end of a new window, $4 end of a new ban, $5 max, $6 and $7
 * the latest possible ends of a window and of a ban: see latest_ms(). */
#define IN_BAN	  "(a.banned AND a.ends_ms > $2 AND a.ends_ms <= $7)"
#define IN_WINDOW "(NOT a.banned AND a.ends_ms > $2 AND a.ends_ms <= $6)"
#define SO_FAR	  "(CASE WHEN " IN_WINDOW " THEN a.count ELSE 0 END)"

/* The latest end of the bans of the keys that match, or 0. */
#define BAN_OF(key)                                                            \
	" COALESCE((SELECT max(ends_ms) FROM fcgiauth.attempts WHERE key " key \
	" AND banned AND ends_ms > $1 AND ends_ms <= $2), 0)"

/* What a check asks for. */
#define FIND                                                                   \
	" FROM fcgiauth.sessions WHERE id = $1"                                \
	" AND token = COALESCE($3, token)"                                     \
	" AND idle_expires_ms > $2 AND expires_ms > $2"
#define DENIED                                                                 \
	" FROM fcgiauth.denials WHERE key IN ($3, $4, $5, $6)"                 \
	" AND issued_ms >= $1 AND until_ms > $2"

/* True if the change feed that has the lock `key` is here (feed_lock.c). */
#define HERE(key) " NOT pg_catalog.pg_try_advisory_xact_lock_shared(" key ")"

#define IS_DEAD "(idle_expires_ms <= $1 OR expires_ms <= $1)"

/* Deletes at most $2 rows that have expired at $1. */
#define SWEEP(table, key, ends)                                                \
	"DELETE FROM fcgiauth." table " WHERE " ends " <= $1 AND (" key ")"    \
	" IN (SELECT " key " FROM fcgiauth." table " WHERE " ends              \
	" <= $1 LIMIT $2)"

#define MAY_ADD(table)                                                         \
	"add_" table " AS (INSERT INTO fcgiauth." table " SELECT *"            \
	" FROM fcgiauth." table " WHERE FALSE)"
#define MAY_CHANGE(table, column)                                              \
	"change_" table " AS (UPDATE fcgiauth." table " SET " column           \
	" = " column " WHERE FALSE)"
#define MAY_DELETE(table)                                                      \
	"delete_" table " AS (DELETE FROM fcgiauth." table " WHERE FALSE)"
#define MAY_ALL(table, column)                                                 \
	MAY_ADD(table) ", " MAY_CHANGE(table, column) ", " MAY_DELETE(table)

/* clang-format off */
const char postgres_store_probe[] =
    "WITH " MAY_ALL("sessions", "sweep_ms") ", " MAY_ALL("limits", "ends_ms")
    ", " MAY_ALL("attempts", "ends_ms") ", " MAY_ALL("denials", "until_ms")
    ", " MAY_ALL("known_networks", "until_ms") ", " MAY_ADD("secrets")
    " SELECT 1";

const char *const postgres_store_sql[STORE_SQL_END] = {
	[STORE_SQL_SECRET_KEEP] =
	    "INSERT INTO fcgiauth.secrets (name, value) VALUES ($1, $2)"
	    " ON CONFLICT (name) DO NOTHING",
	[STORE_SQL_SECRET_GET] =
	    "SELECT value FROM fcgiauth.secrets WHERE name = $1",
	/* Locks the row of the user until the end of the transaction. */
	[STORE_SQL_LIMIT] =
	    "INSERT INTO fcgiauth.limits AS l (name, ends_ms) VALUES ($1, $2)"
	    " ON CONFLICT (name) DO UPDATE SET ends_ms ="
	    " GREATEST(l.ends_ms, excluded.ends_ms)",
	[STORE_SQL_CREATE] =
	    "INSERT INTO fcgiauth.sessions (" COLUMNS ", sweep_ms)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 <> 0, $12,"
	    " $13, $14, $15, NULLIF($16, $7), LEAST($9, $10))",
	/* Keeps the newest $3 live sessions besides the new one. */
	[STORE_SQL_MAKE_ROOM] =
	    "DELETE FROM fcgiauth.sessions WHERE id IN (SELECT id"
	    " FROM fcgiauth.sessions WHERE name = $1 AND id <> $4"
	    " AND idle_expires_ms > $2 AND expires_ms > $2"
	    " ORDER BY created_ms DESC, id DESC OFFSET $3)",
	/* $3 is NULL for any token. */
	[STORE_SQL_FIND] = "SELECT " COLUMNS FIND,
	[STORE_SQL_FIND_HERE] = "SELECT " COLUMNS "," HERE("$4") FIND,
	/* A session that has ended at $2 stays ended; a touch that changes
	 * nothing is not written. */
	[STORE_SQL_TOUCH] =
	    "UPDATE fcgiauth.sessions SET"
	    " last_seen_ms = CASE WHEN " SEEN_AHEAD " THEN $2"
	    " ELSE GREATEST(last_seen_ms, $2) END,"
	    " idle_expires_ms = CASE WHEN " SEEN_AHEAD " THEN $3"
	    " ELSE GREATEST(idle_expires_ms, $3) END WHERE id = $1"
	    " AND idle_expires_ms > $2 AND expires_ms > $2"
	    " AND (last_seen_ms < $2 OR idle_expires_ms < $3 OR " SEEN_AHEAD
	    ")",
	/* The next four are executed in this order until one returns a row.
	 * $6 next, $7 wrapped, $8 the new idle_expires_ms. All assignments see
	 * the old values of the row. */
	[STORE_SQL_ROTATE] =
	    "UPDATE fcgiauth.sessions SET token = $6, parent = token,"
	    " wrapped = $7, generation = generation + 1, rotated_ms = $2,"
	    " last_seen_ms = $2, idle_expires_ms = LEAST($8, expires_ms)"
	    " WHERE" ROTATABLE " AND generation >= $3 AND" IS_CURRENT
	    " RETURNING " COLUMNS ", wrapped",
	[STORE_SQL_GRACE] =
	    "SELECT " COLUMNS ", wrapped FROM fcgiauth.sessions"
	    " WHERE" ROTATABLE " AND generation >= $3 AND " IS_GRACE,
	[STORE_SQL_REUSED] =
	    "DELETE FROM fcgiauth.sessions WHERE" ROTATABLE
	    " AND generation >= $3 AND NOT" IS_CURRENT
	    " AND NOT COALESCE(" IS_GRACE ", FALSE) RETURNING " COLUMNS,
	[STORE_SQL_ROTATABLE] =
	    "SELECT " COLUMNS " FROM fcgiauth.sessions WHERE" ROTATABLE,
	[STORE_SQL_REVOKE] = "DELETE FROM fcgiauth.sessions WHERE id = $1",
	[STORE_SQL_REVOKE_USER] =
	    "DELETE FROM fcgiauth.sessions WHERE name = $1"
	    " AND id IS DISTINCT FROM $2",
	[STORE_SQL_REVOKE_ALL] = "DELETE FROM fcgiauth.sessions",
	[STORE_SQL_UPDATE_USER] =
	    "UPDATE fcgiauth.sessions SET roles = $2, email = $3,"
	    " full_name = $4 WHERE name = $1",
	[STORE_SQL_REMARK] =
	    "UPDATE fcgiauth.sessions SET mark = $3"
	    " WHERE name = $1 AND mark = $2",
	/* The id begins with the time, and is in an index. */
	[STORE_SQL_LIST] =
	    "SELECT " COLUMNS " FROM fcgiauth.sessions WHERE id < $2"
	    " AND idle_expires_ms > $1 AND expires_ms > $1"
	    " ORDER BY id DESC LIMIT $3",
	[STORE_SQL_LIST_USER] =
	    "SELECT " COLUMNS " FROM fcgiauth.sessions WHERE name = $4"
	    " AND id < $2 AND idle_expires_ms > $1 AND expires_ms > $1"
	    " ORDER BY id DESC LIMIT $3",
	[STORE_SQL_COUNT_SESSIONS] =
	    "SELECT count(*), count(DISTINCT name) FROM fcgiauth.sessions"
	    " WHERE idle_expires_ms > $1 AND expires_ms > $1",
	[STORE_SQL_ATTEMPT] =
	    "INSERT INTO fcgiauth.attempts AS a (key, count, banned, ends_ms)"
	    " VALUES ($1, 1, $5 < 1, CASE WHEN $5 < 1 THEN $4 ELSE $3 END)"
	    " ON CONFLICT (key) DO UPDATE SET"
	    " count = CASE WHEN " IN_BAN " THEN a.count"
	    " ELSE " SO_FAR " + 1 END,"
	    " banned = " IN_BAN " OR " SO_FAR " >= $5,"
	    " ends_ms = CASE WHEN " IN_BAN " THEN a.ends_ms"
	    " WHEN " SO_FAR " >= $5 THEN $4"
	    " WHEN " IN_WINDOW " THEN a.ends_ms ELSE $3 END"
	    " RETURNING CASE WHEN banned THEN ends_ms ELSE 0 END,"
	    " CASE WHEN banned THEN 0 ELSE count END, ends_ms",
	[STORE_SQL_GIVE_BACK] =
	    "UPDATE fcgiauth.attempts SET count = count - 1 WHERE key = $1"
	    " AND ends_ms = $2 AND NOT banned AND count > 0",
	/* Returns the columns in the order of enum login_fact
	 * (strategy/login_keys.h). $1 is now_ms, $2 the latest possible end of
	 * a ban, $3 the user, $4 the network, $5 the first key, $6 the key
	 * `known`; $7 to $9 are the other keys. */
	[STORE_SQL_STANDING] =
	    "SELECT COALESCE((SELECT until_ms FROM fcgiauth.known_networks"
	    " WHERE name = $3 AND network = $4 AND until_ms > $1), 0),"
	    BAN_OF("= $5") "," BAN_OF("= $6") "," BAN_OF("IN ($7, $8, $9)"),
	/* Counts as ATTEMPT does with a max that is never reached, for several
	 * keys: $1, $4, $5 and $8. COUNT and SUCCEED lock their rows in the
	 * order of the bytes of the keys. Otherwise two of them could wait for
	 * each other, until the server ends one after its deadlock_timeout. */
	[STORE_SQL_COUNT] =
	    "INSERT INTO fcgiauth.attempts AS a (key, count, banned, ends_ms)"
	    " SELECT k, 1, FALSE, $3 FROM (VALUES ($1), ($4), ($5), ($8))"
	    " AS v (k) WHERE k <> '' ORDER BY k COLLATE \"C\""
	    " ON CONFLICT (key) DO UPDATE SET"
	    " count = CASE WHEN " IN_BAN " THEN a.count"
	    " ELSE " SO_FAR " + 1 END,"
	    " banned = " IN_BAN ","
	    " ends_ms = CASE WHEN " IN_BAN " OR " IN_WINDOW " THEN a.ends_ms"
	    " ELSE $3 END"
	    " RETURNING key, CASE WHEN banned THEN ends_ms ELSE 0 END,"
	    " CASE WHEN banned THEN 0 ELSE count END, ends_ms",
	/* $1 is the key that is reset. $2 to $7 are the keys from which an
	 * attempt is removed, each with the end of its window. $8 is the user,
	 * $9 the network, and $10 its end, which is 0 if no network is to be
	 * stored. $11 is how many other networks of the user are kept. */
	[STORE_SQL_SUCCEED] =
	    "WITH locked AS (SELECT key FROM fcgiauth.attempts"
	    " WHERE key IN ($1, $2, $4, $6) ORDER BY key FOR UPDATE),"
	    " reset AS (DELETE FROM fcgiauth.attempts WHERE key = $1"
	    " AND key IN (SELECT key FROM locked)),"
	    " back AS (UPDATE fcgiauth.attempts SET count = count - 1"
	    " WHERE (key, ends_ms) IN (($2, $3), ($4, $5), ($6, $7))"
	    " AND key IN (SELECT key FROM locked)"
	    " AND NOT banned AND count > 0),"
	    " learnt AS (INSERT INTO fcgiauth.known_networks"
	    " (name, network, until_ms) SELECT $8, $9, $10 WHERE $10 > 0"
	    " ON CONFLICT (name, network) DO UPDATE SET"
	    " until_ms = excluded.until_ms)"
	    " DELETE FROM fcgiauth.known_networks WHERE $10 > 0 AND name = $8"
	    " AND network IN (SELECT network FROM fcgiauth.known_networks"
	    " WHERE name = $8 AND network <> $9"
	    " ORDER BY until_ms DESC, network OFFSET $11)",
	[STORE_SQL_RESET] = "DELETE FROM fcgiauth.attempts WHERE key = $1"
			      " RETURNING banned",
	[STORE_SQL_BANS] =
	    "SELECT key, ends_ms FROM fcgiauth.attempts WHERE banned"
	    " AND ends_ms > $1 AND ends_ms <= $2"
	    " ORDER BY ends_ms DESC, key LIMIT $3",
	[STORE_SQL_NETWORKS] =
	    "SELECT network, until_ms FROM fcgiauth.known_networks"
	    " WHERE name = $1 AND until_ms > $2 LIMIT $3",
	[STORE_SQL_UNLEARN] =
	    "DELETE FROM fcgiauth.known_networks WHERE name = $1",
	[STORE_SQL_DENY] =
	    "INSERT INTO fcgiauth.denials AS d (key, issued_ms, until_ms)"
	    " VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET"
	    " issued_ms = GREATEST(d.issued_ms, excluded.issued_ms),"
	    " until_ms = GREATEST(d.until_ms, excluded.until_ms)",
	[STORE_SQL_DENIED] = "SELECT 1" DENIED " LIMIT 1",
	[STORE_SQL_DENIED_HERE] =
	    "SELECT EXISTS (SELECT 1" DENIED ")," HERE("$7"),
	/* A live session is checked again when it may have ended. */
	[STORE_SQL_SWEEP_LATER] =
	    "UPDATE fcgiauth.sessions SET"
	    " sweep_ms = LEAST(idle_expires_ms, expires_ms)"
	    " WHERE id IN (SELECT id FROM fcgiauth.sessions"
	    " WHERE sweep_ms <= $1 AND NOT " IS_DEAD " LIMIT $2)",
	[STORE_SQL_SWEEP_SESSIONS] =
	    "DELETE FROM fcgiauth.sessions WHERE " IS_DEAD
	    " AND id IN (SELECT id FROM fcgiauth.sessions"
	    " WHERE sweep_ms <= $1 AND " IS_DEAD " LIMIT $2)",
	/* Does not wait for rows that are locked by COUNT and SUCCEED, because
	 * it does not lock its own rows in their order. */
	[STORE_SQL_SWEEP_ATTEMPTS] =
	    "DELETE FROM fcgiauth.attempts WHERE ends_ms <= $1"
	    " AND key = ANY (ARRAY (SELECT key FROM fcgiauth.attempts"
	    " WHERE ends_ms <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
	[STORE_SQL_SWEEP_DENIALS] = SWEEP("denials", "key", "until_ms"),
	[STORE_SQL_SWEEP_NETWORKS] =
	    SWEEP("known_networks", "name, network", "until_ms"),
	[STORE_SQL_SWEEP_LIMITS] = SWEEP("limits", "name", "ends_ms"),
};
/* clang-format on */
