/* SPDX-License-Identifier: MIT */
/* The statements of the SQLite store. */
#include "backends/sqlite/store_sql.h"

#define COLUMNS                                                                \
	"id, token, name, roles, email, full_name, created_ms, last_seen_ms,"  \
	" idle_expires_ms, expires_ms, remember, address, user_agent,"         \
	" generation, mark, auth_ms"

/* ?1 id, ?2 now_ms. A session ends as well if its generation cannot grow. */
#define ROTATABLE                                                              \
	" id = ?1 AND idle_expires_ms > ?2 AND expires_ms > ?2"                \
	" AND generation < 4294967295"

/* This is seen_ahead() of strategy/clock.h, at ?2. */
#define SEEN_AHEAD "last_seen_ms - 300000 > ?2"

/* As in the index sessions_dead. */
#define ENDS "min(idle_expires_ms, expires_ms)"

/* The page after the cursor, the newest session first: an id begins with its
 * time. */
#define PAGE                                                                   \
	" idle_expires_ms > ?1 AND expires_ms > ?1 AND id < ?2"                \
	" AND typeof(id) = 'blob' ORDER BY id DESC LIMIT ?3"

/* The window of an attempt, with the parameters of STORE_SQL_ATTEMPT. A window
 * that ends later than ?6 counts as over: see latest_ms(). */
#define IN_WINDOW "(NOT banned AND ends_ms > ?2 AND ends_ms <= ?6)"
#define SO_FAR	  "iif(" IN_WINDOW ", count, 0)"

/* The latest end of the bans of the keys that match, or NULL. */
#define BAN_OF(key)                                                            \
	" (SELECT max(ends_ms) FROM main.attempts WHERE key " key              \
	" AND banned AND ends_ms > ?1 AND ends_ms <= ?2)"

const char *const sqlite_store_sql[STORE_SQL_END] = {
	[STORE_SQL_PROBE] = "SELECT 1 FROM main.sessions LIMIT 1",
	[STORE_SQL_SECRET_KEEP] =
	    "INSERT INTO main.secrets (name, value) VALUES (?1, ?2)"
	    " ON CONFLICT (name) DO NOTHING",
	[STORE_SQL_SECRET_GET] =
	    "SELECT value FROM main.secrets WHERE name = ?1",
	/* Keeps the newest ?3 live sessions besides the new one. */
	[STORE_SQL_MAKE_ROOM] =
	    "DELETE FROM main.sessions WHERE id IN (SELECT id"
	    " FROM main.sessions WHERE name = ?1 AND id <> ?4"
	    " AND idle_expires_ms > ?2 AND expires_ms > ?2"
	    " ORDER BY created_ms DESC, id DESC LIMIT -1 OFFSET ?3)",
	[STORE_SQL_CREATE] =
	    "INSERT INTO main.sessions (" COLUMNS ") VALUES (?1, ?2,"
	    " ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
	    " nullif(?16, ?7))",
	[STORE_SQL_FIND] =
	    "SELECT " COLUMNS " FROM main.sessions WHERE id = ?1"
	    " AND token = ?3 AND idle_expires_ms > ?2 AND expires_ms > ?2",
	[STORE_SQL_FIND_ID] =
	    "SELECT " COLUMNS " FROM main.sessions WHERE id = ?1"
	    " AND idle_expires_ms > ?2 AND expires_ms > ?2",
	/* A session that has ended at ?2 stays ended; a touch that changes
	 * nothing is not written. */
	[STORE_SQL_TOUCH] =
	    "UPDATE main.sessions SET"
	    " last_seen_ms = iif(" SEEN_AHEAD ", ?2, max(last_seen_ms, ?2)),"
	    " idle_expires_ms = iif(" SEEN_AHEAD ", ?3,"
	    " max(idle_expires_ms, ?3)) WHERE id = ?1"
	    " AND idle_expires_ms > ?2 AND expires_ms > ?2"
	    " AND (last_seen_ms < ?2 OR idle_expires_ms < ?3 OR " SEEN_AHEAD
	    ")",
	/* The next four are executed in this order, in one transaction, until
	 * one returns a row. ?3 generation, ?4 presented, ?5 grace_ms, ?6
	 * next, ?7 wrapped, ?8 the new idle_expires_ms. All assignments see
	 * the old values of the row. */
	[STORE_SQL_ROTATE] =
	    "UPDATE main.sessions SET token = ?6, parent = token,"
	    " wrapped = ?7, generation = generation + 1, rotated_ms = ?2,"
	    " last_seen_ms = ?2, idle_expires_ms = min(?8, expires_ms)"
	    " WHERE" ROTATABLE " AND generation >= ?3 AND token = ?4"
	    " RETURNING " COLUMNS ", wrapped",
	[STORE_SQL_GRACE] =
	    "SELECT " COLUMNS ", wrapped FROM main.sessions"
	    " WHERE" ROTATABLE " AND generation >= ?3 AND parent = ?4"
	    /* This is in_grace(). */
	    " AND ?5 > 0 AND ?2 - rotated_ms <= ?5 AND rotated_ms - ?2 <= ?5",
	[STORE_SQL_REUSED] = "DELETE FROM main.sessions WHERE" ROTATABLE
			     " AND generation >= ?3 RETURNING " COLUMNS,
	[STORE_SQL_FUTURE] =
	    "SELECT " COLUMNS " FROM main.sessions WHERE" ROTATABLE
	    " AND generation < ?3",
	[STORE_SQL_REVOKE] = "DELETE FROM main.sessions WHERE id = ?1",
	[STORE_SQL_REVOKE_USER] = "DELETE FROM main.sessions WHERE name = ?1"
				  " AND id IS NOT ?2",
	[STORE_SQL_REVOKE_ALL] = "DELETE FROM main.sessions",
	[STORE_SQL_UPDATE_USER] =
	    "UPDATE main.sessions SET roles = ?2, email = ?3,"
	    " full_name = ?4 WHERE name = ?1",
	[STORE_SQL_REMARK] = "UPDATE main.sessions SET mark = ?3"
			     " WHERE name = ?1 AND mark = ?2",
	[STORE_SQL_LIST] = "SELECT " COLUMNS " FROM main.sessions WHERE" PAGE,
	[STORE_SQL_LIST_USER] =
	    "SELECT " COLUMNS " FROM main.sessions WHERE name = ?4"
	    " AND" PAGE,
	/* Reads two indexes and the rows of sessions that have ended, which a
	 * sweep keeps few, and of their users. */
	[STORE_SQL_COUNT_SESSIONS] =
	    "WITH dead AS MATERIALIZED (SELECT name FROM main.sessions"
	    " WHERE " ENDS " <= ?1)"
	    " SELECT (SELECT count(*) FROM main.sessions)"
	    " - (SELECT count(*) FROM dead),"
	    " (SELECT count(DISTINCT name) FROM main.sessions)"
	    " - (SELECT count(*) FROM (SELECT DISTINCT name FROM dead) AS d"
	    " WHERE NOT EXISTS (SELECT 1 FROM main.sessions AS s"
	    " WHERE s.name = d.name AND " ENDS " > ?1))",
	/* ?2 now_ms, ?3 end of a new window, ?4 end of a new ban, ?5 max, ?6
	 * and ?7 the latest ends. No row comes back when a ban is in
	 * force. */
	[STORE_SQL_ATTEMPT] =
	    "INSERT INTO main.attempts (key, count, banned, ends_ms)"
	    " VALUES (?1, 1, ?5 < 1, iif(?5 < 1, ?4, ?3))"
	    " ON CONFLICT (key) DO UPDATE SET"
	    " count = " SO_FAR " + 1, banned = " SO_FAR " >= ?5,"
	    " ends_ms = CASE WHEN " SO_FAR " >= ?5 THEN ?4"
	    " WHEN " IN_WINDOW " THEN ends_ms ELSE ?3 END"
	    " WHERE NOT (banned AND ends_ms > ?2 AND ends_ms <= ?7)"
	    " RETURNING iif(banned, ends_ms, 0), iif(banned, 0, count),"
	    " ends_ms",
	[STORE_SQL_GIVE_BACK] =
	    "UPDATE main.attempts SET count = count - 1 WHERE key = ?1"
	    " AND ends_ms = ?2 AND NOT banned AND count > 0",
	/* Returns the columns in the order of enum login_fact
	 * (strategy/login_keys.h). ?1 is now_ms, ?2 the latest possible end of
	 * a ban, ?3 the user, ?4 the network, ?5 the first key, ?6 the key
	 * `known`; ?7 to ?9 are the other keys. */
	[STORE_SQL_STANDING] =
	    "SELECT (SELECT until_ms FROM main.known_networks"
	    " WHERE name = ?3 AND network = ?4 AND until_ms > ?1)," BAN_OF(
		"= ?5") "," BAN_OF("= ?6") "," BAN_OF("IN (?7, ?8, ?9)"),
	/* ?3 the latest end. */
	[STORE_SQL_BANNED] =
	    "SELECT ends_ms FROM main.attempts WHERE key = ?1 AND banned"
	    " AND ends_ms > ?2 AND ends_ms <= ?3",
	[STORE_SQL_RESET] = "DELETE FROM main.attempts WHERE key = ?1"
			    " RETURNING banned",
	[STORE_SQL_BANS] = "SELECT key, ends_ms FROM main.attempts WHERE banned"
			   " AND ends_ms > ?1 AND ends_ms <= ?2"
			   " ORDER BY ends_ms DESC, key LIMIT ?3",
	[STORE_SQL_LEARN] =
	    "INSERT INTO main.known_networks (name, network, until_ms)"
	    " VALUES (?1, ?2, ?3) ON CONFLICT (name, network) DO UPDATE SET"
	    " until_ms = excluded.until_ms",
	/* Keeps ?3 networks besides the new one. */
	[STORE_SQL_FORGET_OLDEST] =
	    "DELETE FROM main.known_networks WHERE name = ?1 AND network IN"
	    " (SELECT network FROM main.known_networks WHERE name = ?1"
	    " AND network <> ?2 ORDER BY until_ms DESC, network"
	    " LIMIT -1 OFFSET ?3)",
	[STORE_SQL_NETWORKS] =
	    "SELECT network, until_ms FROM main.known_networks"
	    " WHERE name = ?1 AND until_ms > ?2 LIMIT ?3",
	[STORE_SQL_UNLEARN] = "DELETE FROM main.known_networks WHERE name = ?1",
	[STORE_SQL_DENY] =
	    "INSERT INTO main.denials (key, issued_ms, until_ms)"
	    " VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET"
	    " issued_ms = max(issued_ms, excluded.issued_ms),"
	    " until_ms = max(until_ms, excluded.until_ms)",
	[STORE_SQL_DENIED] =
	    "SELECT 1 FROM main.denials WHERE key IN (?3, ?4, ?5, ?6)"
	    " AND issued_ms >= ?1 AND until_ms > ?2 LIMIT 1",
	[STORE_SQL_SWEEP_SESSIONS] =
	    "DELETE FROM main.sessions WHERE id IN (SELECT id"
	    " FROM main.sessions WHERE min(idle_expires_ms, expires_ms) <= ?1"
	    /* A text compares greater than any number and would never end. */
	    " OR min(idle_expires_ms, expires_ms) >= '' LIMIT ?2)",
	[STORE_SQL_SWEEP_ATTEMPTS] =
	    "DELETE FROM main.attempts WHERE key IN (SELECT key"
	    " FROM main.attempts WHERE ends_ms <= ?1 LIMIT ?2)",
	[STORE_SQL_SWEEP_NETWORKS] =
	    "DELETE FROM main.known_networks WHERE (name, network) IN"
	    " (SELECT name, network FROM main.known_networks"
	    " WHERE until_ms <= ?1 LIMIT ?2)",
	[STORE_SQL_SWEEP_DENIALS] =
	    "DELETE FROM main.denials WHERE key IN (SELECT key"
	    " FROM main.denials WHERE until_ms <= ?1 LIMIT ?2)",
	/* ?1 how many are kept, ?2 how many are removed at most. */
	[STORE_SQL_SWEEP_CHANGES] =
	    "DELETE FROM main.changes WHERE seq <="
	    " min((SELECT max(seq) FROM main.changes) - ?1,"
	    " (SELECT min(seq) FROM main.changes) + ?2 - 1)",
	[STORE_SQL_FEED_DATA_VERSION] = "PRAGMA main.data_version",
	[STORE_SQL_FEED_SCHEMA_VERSION] = "PRAGMA main.schema_version",
	/* The name of a trigger that does not exist. A newer version of the
	 * service may have changed what a trigger does. */
	[STORE_SQL_FEED_MISSING] =
	    "WITH needed (tbl, name) AS (VALUES"
	    " ('sessions', 'sessions_deleted'),"
	    " ('sessions', 'sessions_replaced'),"
	    " ('sessions', 'sessions_changed'),"
	    " ('denials', 'denials_added'), ('denials', 'denials_changed'))"
	    " SELECT name FROM needed WHERE NOT EXISTS (SELECT 1"
	    " FROM main.sqlite_schema AS s WHERE s.type = 'trigger'"
	    " AND s.name = needed.name AND s.tbl_name = needed.tbl) LIMIT 1",
	[STORE_SQL_FEED_NEWEST] =
	    "SELECT seq, tag FROM main.changes ORDER BY seq DESC LIMIT 1",
	[STORE_SQL_FEED_ROWS] =
	    "SELECT seq, tag, kind, what FROM main.changes WHERE seq >= ?1"
	    " ORDER BY seq LIMIT ?2",
};
