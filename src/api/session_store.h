/* SPDX-License-Identifier: MIT */
/*
 * The store strategy, for implementers; callers include api/store.h.
 *
 * Lives    open() once per distinct configuration; a reload that leaves the
 *          section unchanged keeps the store.  connect() once per worker (and
 *          again after a failure), close() when nobody uses it any more.
 * Threads  a conn belongs to one worker.  What hangs off the store is shared;
 *          the store locks it.
 * Memory   what an operation returns is allocated from the arena it was given;
 *          what it is given is borrowed for the call.
 * Failure  -1 means "I could not answer", with ERR_UNAVAILABLE when trying
 *          later may help: the caller then disconnects and connects again
 *          later, with back-off.  A store does not retry.  "No such session"
 *          is an answer, not a failure.
 * Atomic   each operation happens as a whole or not at all, also against the
 *          same operation in other threads and processes.
 * Time     comes in as `now_ms`, milliseconds since the epoch; a store never
 *          asks a clock.  A session is alive while now_ms < idle_expires_ms
 *          and now_ms < expires_ms; that is decided at reading, never by
 *          sweep().
 */
#ifndef API_SESSION_STORE_H
#define API_SESSION_STORE_H

#include "api/backend.h"
#include "api/identity.h"

#define SESSION_ID_BYTES 16

/* SHA-256 of a token: a store never sees, so cannot leak, the token. */
struct token_hash {
	uint8_t b[32];
};

/* What lists and logs show; no secret, and not derived from one. */
struct session_id {
	uint8_t b[SESSION_ID_BYTES];
};

/* One login of one user on one client. */
struct session {
	struct session_id id;
	struct token_hash token; /* of the current secret */
	struct identity who; /* as of login; update_user() keeps it current */
	int64_t created_ms, last_seen_ms;
	int64_t idle_expires_ms, expires_ms; /* whichever is first */
	bool remember; /* idle_timeout does not apply; persistent cookie */
	struct str address, user_agent; /* of the login; at most 256 bytes */
};

enum store_caps {
	STORE_PERSISTENT = 1 << 0, /* survives a restart */
	STORE_SHARED = 1 << 1,	   /* several processes may use it at once */
	STORE_EMBEDDED = 1 << 2,   /* a file of ours: migrates by itself */
};

/* Regulation: failures of one key in a window, and the ban that follows. */
struct attempt_policy {
	int64_t max;	/* this many are allowed in a window */
	int64_t window_ms; /* from the first one */
	int64_t ban_ms;
};

struct ban {
	struct str key; /* "user:NAME" or "addr:ADDRESS" */
	int64_t until_ms;
};

/* Where a listing goes on: zero to begin, then what the last page left. */
struct session_cursor {
	int64_t created_ms;
	struct session_id id;
	bool more; /* out: there may be another page */
};

struct session_list {
	struct session *v;
	size_t n;
};

struct session_store_ops {
	struct backend base;

	/*
	 * Main thread, at start and reload.  Takes what the process shares
	 * (a table, a lock, a parsed address).  May not connect: a server that
	 * is down must not keep us from starting.  `conf` is borrowed for the
	 * call: copy what is needed longer.
	 */
	int (*open)(const void *conf, const struct env *env, void **store,
		    struct err *err);
	void (*close)(void *store);

	/* One worker's connection.  Bounded in time.  Does not look at the
	 * schema. */
	int (*connect)(void *store, void **conn, struct err *err);
	void (*disconnect)(void *conn);

	/* A round trip that proves the store usable, for reading and
	 * writing. */
	int (*ping)(void *conn, struct err *err);

	/* NULL when there is no schema (memory). */
	int (*schema)(void *conn, struct schema_state *out, struct err *err);
	/* Brings the schema to `want`; numbered steps, each a transaction;
	 * safe when several processes do it at once. */
	int (*migrate)(void *conn, struct err *err);

	/*
	 * A named 32-byte secret that all instances on this store share:
	 * *value comes in as a fresh random candidate and goes out as the one
	 * that is kept.
	 */
	int (*secret)(void *conn, const char *name, uint8_t value[32],
		      struct err *err);

	/*
	 * Adds a session whose id and token are new.  With max_per_user > 0
	 * and that many live sessions of the user, the oldest by `created_ms` are
	 * ended in the same step until the new one fits.
	 */
	int (*create)(void *conn, const struct session *session,
		      int64_t max_per_user, int64_t now_ms, struct err *err);

	/* The live session of this token. */
	int (*find)(void *conn, struct arena *a, const struct token_hash *token,
		    int64_t now_ms, bool *found, struct session *out,
		    struct err *err);

	/*
	 * Moves last_seen_ms and idle_expires_ms forward, never back.  A session
	 * that is gone or over stays so: a touch never revives.
	 */
	int (*touch)(void *conn, const struct session_id *id, int64_t last_seen_ms,
		     int64_t idle_expires_ms, struct err *err);

	/* Ends one; *ended says whether there was one to end. */
	int (*revoke)(void *conn, const struct session_id *id, bool *ended,
		      struct err *err);

	/* Ends all of a user but `except` (NULL: all). */
	int (*revoke_user)(void *conn, struct str user,
			   const struct session_id *except, int64_t *ended,
			   struct err *err);

	int (*revoke_all)(void *conn, int64_t *ended, struct err *err);

	/* Live sessions of who->name get this identity. */
	int (*update_user)(void *conn, const struct identity *who,
			   struct err *err);

	/*
	 * Live sessions, newest first, of one user or (user.p NULL) of all:
	 * at most `limit`, from *cursor on.
	 */
	int (*list)(void *conn, struct arena *a, struct str user, int64_t now_ms,
		    size_t limit, struct session_cursor *cursor,
		    struct session_list *out, struct err *err);

	/*
	 * Counts one attempt for a key, then tells until when the key is
	 * banned: 0 when it is not.  The attempt after `max` ones in a window
	 * begins a ban; during a ban nothing is counted.  Of parallel calls
	 * each counts.
	 */
	int (*attempt)(void *conn, struct str key,
		       const struct attempt_policy *policy, int64_t now_ms,
		       int64_t *banned_until_ms, struct err *err);

	/* Until when the key is banned (0: it is not); counts nothing. */
	int (*banned)(void *conn, struct str key, int64_t now_ms,
		      int64_t *banned_until_ms, struct err *err);

	/* Forgets the key: a success, or an administrator's lift. */
	int (*forgive)(void *conn, struct str key, bool *was_banned,
		       struct err *err);

	/* Every ban in force, longest first, at most `limit`. */
	int (*bans)(void *conn, struct arena *a, int64_t now_ms, size_t limit,
		    struct ban **out, size_t *n, struct err *err);

	/* Removes at most `limit` dead sessions and stale attempts.  NULL when
	 * the store drops them by itself. */
	int (*sweep)(void *conn, int64_t now_ms, size_t limit, int64_t *removed,
		     struct err *err);
};

#endif
