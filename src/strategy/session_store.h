/* SPDX-License-Identifier: MIT */
/*
 * The interface of stores, for implementers; callers include strategy/store.h.
 *
 * Lifetime, threads: as in strategy/backend.h.
 * Memory   results and temporary data are allocated in the arena of the call;
 *          arguments are borrowed for the call.
 * Failure  -1 means that the store could not answer. The code is
 *          ERR_UNAVAILABLE if trying later may help: the caller disconnects
 *          and connects again later, with back-off, and so do other workers
 *          (strategy/conn.h). It is ERR_BUSY if another connection would not
 *          help: an error of one session must not affect the others. A store
 *          does not retry. "No such session" is an answer, not a failure.
 * Outputs  on 0 all outputs are set, also when the answer is no; fields that do
 *          not apply are zero. On -1 no output is written.
 * Damage   another program may have written a value of any type and size in
 *          place of a session. It must be read with bounded memory, and
 *          session_check() must be called for it.
 * Atomic   each operation is executed as a whole or not at all, also if other
 *          threads and processes execute the same operation. For a user
 *          with more than 1000 sessions a store may execute create() with a
 *          limit, revoke_user(), update_user() and remark() in parts; after
 *          a failure the next call completes what is left.
 * Time     is now_ms of the call, in milliseconds since the epoch; a store
 *          never reads a clock. A session is alive while now_ms <
 *          idle_expires_ms and now_ms < expires_ms; that is decided when it is
 *          read, and does not depend on sweep(). strategy/clock.h has the
 *          rules for times of other hosts, whose clocks may differ.
 */
#ifndef STRATEGY_SESSION_STORE_H
#define STRATEGY_SESSION_STORE_H

#include "strategy/backend.h"
#include "strategy/call.h"
#include "strategy/identity.h"
#include "base/secret.h"

#include <string.h>

#define SESSION_ID_BYTES    16
#define DENIED_KEYS_MAX	    4 /* keys in one denial_question */
#define PASSWORD_MARK_BYTES 16

/*
 * SHA-256 of a token. A store never sees the token itself, and so cannot leak
 * it. A token contains the id of its session, so no two sessions have the same
 * hash.
 */
struct token_hash {
	uint8_t b[32];
};

/* The id of a session, for lists and logs; it is not secret, and not derived
 * from a secret. */
struct session_id {
	uint8_t b[SESSION_ID_BYTES];
};

/*
 * Identifies the password hash that a session was made with, without disclosing
 * it (strategy/password_mark.h). All zero: unknown, because the session is
 * older than marks.
 */
struct password_mark {
	uint8_t b[PASSWORD_MARK_BYTES];
};

/* One sign-in of one user on one client, until it ends. */
struct session {
	struct session_id id;
	struct token_hash token; /* of the token with the current secret */
	struct identity who; /* as of sign-in; update_user() keeps it current */
	int64_t created_ms, last_seen_ms;
	int64_t idle_expires_ms, expires_ms; /* it ends at the earlier one */
	/* When its user last proved who they are. With 0, create() sets it
	 * to created_ms, which is also its value in sessions that are older
	 * than this field. A store need not keep exactly a difference to
	 * created_ms of more than 50 days: it may keep any difference of 50
	 * days or more with the same sign. */
	int64_t auth_ms;
	bool remember; /* idle_timeout does not apply; persistent cookie */
	struct str address, user_agent; /* at sign-in; at most 256 bytes */
	uint32_t generation; /* of the secret: 0, then +1 at each rotation */
	struct password_mark mark;
	/* NULL, or the invalid field of a damaged session (session_check()).
	 * Only strategy/store.c sees it: it returns an error for a damaged
	 * session, and removes it from lists. */
	const char *damage;
};

/* All zero if there is no such session. */
struct session_answer {
	bool found;
	struct session session;
};

/* The new times of a session that was seen. */
struct touch {
	struct session_id id;
	int64_t last_seen_ms, idle_expires_ms;
};

/* One use of a refresh token, and its successor. */
struct rotation {
	struct session_id id; /* of the session */
	struct token_hash presented; /* authentic: its tag was checked */
	uint32_t generation; /* as the presented token states it */
	struct token_hash next; /* of the successor */
	uint8_t wrapped[32]; /* the secret of the successor, encrypted with
			      * the presented one */
	int64_t idle_ms; /* idle_expires_ms becomes now + this, at most
			      * expires_ms */
	int64_t grace_ms; /* 0: none */
};

/* The zero value denies. */
enum rotate_answer {
	ROTATE_GONE = 0, /* no such session, or it has ended */
	ROTATE_DONE, /* the successor is the current token now */
	ROTATE_GRACE, /* the previous token in its grace period: the same
			  * successor again */
	ROTATE_REUSED, /* older: this call has ended the session */
	ROTATE_FUTURE, /* newer than the current one: the store was restored
			  * from an older state; nothing was changed */
};

struct rotated {
	enum rotate_answer answer;
	struct session session; /* after the step; with REUSED as it was
				 * before its end; with GONE zero */
	uint8_t wrapped[32]; /* with DONE and GRACE the wrapped successor of
			      * the presented token, else zero */
};

/* The revocation of the stateless tokens of a key ("sid:ID", "user:NAME") that
 * were issued at or before issued_ms; it lasts until until_ms (exclusive). */
struct denial {
	struct str key;
	int64_t issued_ms, until_ms;
};

/* Asks whether a token that was issued at issued_ms is denied by a key. */
struct denial_question {
	const struct str *keys;
	size_t n; /* at most DENIED_KEYS_MAX */
	int64_t issued_ms;
};

/* Sessions of the user with the mark `from` get the mark `to`; neither is
 * zero. */
struct remark {
	struct str user;
	struct password_mark from, to;
};

/* Regulation: attempts of one key in a window, and the ban that follows. */
struct attempt_policy {
	int64_t max; /* this many are allowed in a window */
	int64_t window_ms; /* from the first one */
	int64_t ban_ms;
};

/* One attempt as it was counted. */
struct attempt {
	int64_t banned_until_ms; /* 0: it is not banned */
	int64_t count; /* in its window, with this one; 0: banned */
	int64_t ends_ms; /* of that window, for give_back() */
};

struct ban {
	struct str key; /* auth/throttle.h makes and reads it */
	int64_t until_ms;
};

struct ban_list {
	struct ban *v;
	size_t n;
};

#define NETWORK_HASH_BYTES 16
#define NETWORKS_MAX	   10 /* of one user */

/* A network from which a user has signed in: a keyed hash of it, never the
 * address. */
struct known_network {
	uint8_t b[NETWORK_HASH_BYTES];
	int64_t until_ms;
};

#define LOGIN_KEYS_MAX 4

/* The keys under which the attempt of a sign-in is counted, and its network. */
struct login_keys {
	struct login_key {
		struct str key;
		int64_t max; /* the allowed attempts in a window */
	} v[LOGIN_KEYS_MAX]; /* the first is the key of the user */
	size_t n;
	int64_t window_ms, ban_ms;

	/* If the network is a known one of the user, the attempt is counted
	 * under the key `known` instead of the first key. If the name is
	 * empty, no network is known. */
	struct str user;
	struct str known;
	uint8_t network[NETWORK_HASH_BYTES];
	int64_t known_ms; /* how long a network stays known at most */
};

struct login_standing {
	bool known; /* the network is a known one of the user */
	int64_t known_until_ms; /* its stored end, or 0 if it has none */
	int64_t banned_until_ms; /* the latest end of the bans, or 0 */
};

struct login_count {
	struct login_standing standing;
	bool counted; /* false: a key is banned or has reached its max */
	struct attempt v[LOGIN_KEYS_MAX]; /* of each key; only if `counted` */
};

/* A sign-in whose password was right. */
struct login_success {
	struct str key; /* the key of the user, which is reset */
	struct login_taken {
		struct str key;
		int64_t ends_ms;
	} v[LOGIN_KEYS_MAX - 1]; /* the other keys, from which it is removed */
	size_t n;
	struct str user;
	struct known_network network; /* not stored if until_ms is 0 */
};

/* The entries after the first n are zero. */
struct known_networks {
	struct known_network v[NETWORKS_MAX];
	size_t n;
};

/* Asks for the live sessions of one user or, if user.p is NULL, of all users;
 * at most `limit`. */
struct session_query {
	struct str user;
	size_t limit;
};

/* The position in a list: zero for the first page, then as the last page left
 * it. */
struct session_cursor {
	int64_t created_ms;
	struct session_id id;
	bool more; /* out: there may be another page */
};

struct session_list {
	struct session *v;
	size_t n;
};

/* How many sessions are alive, and of how many users. */
struct session_counts {
	int64_t sessions, users;
};

struct feed_ops;

struct session_store_ops {
	struct backend_ops base;

	/* The change feed (strategy/feed.h). NULL: the store has none. */
	const struct feed_ops *feed;

	/*
	 * Reads a named 32-byte secret that all instances with this store
	 * share, and makes it if there is none. On entry value is a new random
	 * candidate; on return it is the secret that the store keeps.
	 */
	int (*secret)(void *conn, const struct call *c, const char *name,
		      uint8_t value[32], struct err *err);

	/*
	 * Adds a session whose id, by session_id_make(), is new. If
	 * max_per_user > 0 and the user has that many live sessions, the same
	 * step ends the oldest ones by `created_ms` until the new one fits;
	 * *evicted is their number.
	 */
	int (*create)(void *conn, const struct call *c,
		      const struct session *session, int64_t max_per_user,
		      int64_t *evicted, struct err *err);

	/* Finds the live session with this id, if this is its token. If `token`
	 * is NULL, the session is found whatever its token is. */
	int (*find)(void *conn, const struct call *c,
		    const struct session_id *id, const struct token_hash *token,
		    struct session_answer *out, struct err *err);

	/*
	 * Moves last_seen_ms and idle_expires_ms forward, never back, except if
	 * the session was last seen_ahead(): then both are set. A touch never
	 * revives a session that does not exist any more, or that has ended at
	 * t->last_seen_ms.
	 */
	int (*touch)(void *conn, const struct call *c, const struct touch *t,
		     struct err *err);

	/*
	 * Rotates the refresh token of one session in one atomic step. The
	 * first line that applies decides:
	 *
	 *	the session does not exist or has ended, or
	 *		its generation is UINT32_MAX	GONE
	 *	generation above the stored one		FUTURE
	 *	presented is the current token		DONE: it becomes the
	 *		previous one; next, wrapped, generation + 1,
	 *		last_seen_ms and idle_expires_ms are stored; the grace
	 *		period begins at now_ms
	 *	presented is the previous token
	 *		and in_grace()			GRACE: nothing changes
	 *	otherwise				REUSED: the session ends
	 *
	 * Of all calls with the same token, in all processes, one gets DONE.
	 * The grace period begins at the rotation, and its use does not prolong
	 * it.
	 */
	int (*rotate)(void *conn, const struct call *c,
		      const struct rotation *r, struct rotated *out,
		      struct err *err);

	/* Revokes stateless tokens. A later call never undoes or shortens an
	 * earlier one. */
	int (*deny)(void *conn, const struct call *c, const struct denial *d,
		    struct err *err);

	/* Finds out, in one round trip, whether one of the keys denies the
	 * token. */
	int (*denied)(void *conn, const struct call *c,
		      const struct denial_question *q, bool *denied,
		      struct err *err);

	/* Ends one session; *ended says whether there was a live one. */
	int (*revoke)(void *conn, const struct call *c,
		      const struct session_id *id, bool *ended,
		      struct err *err);

	/* Ends all sessions of a user except `except` (NULL: all); *ended is
	 * their number. */
	int (*revoke_user)(void *conn, const struct call *c, struct str user,
			   const struct session_id *except, int64_t *ended,
			   struct err *err);

	/* Ends all sessions; *ended is their number. */
	int (*revoke_all)(void *conn, const struct call *c, int64_t *ended,
			  struct err *err);

	/* Gives this identity to the live sessions of who->name. */
	int (*update_user)(void *conn, const struct call *c,
			   const struct identity *who, struct err *err);

	/* Replaces one mark of the sessions of a user by another. */
	int (*remark)(void *conn, const struct call *c, const struct remark *m,
		      struct err *err);

	/* Lists sessions, the newest first by created_ms or by the time in
	 * their ids, beginning at *cursor, which is moved. */
	int (*list)(void *conn, const struct call *c,
		    const struct session_query *q,
		    struct session_cursor *cursor, struct session_list *out,
		    struct err *err);

	/* Counts the live sessions, and the users who have one. A damaged
	 * session may count. It costs more than a list of one page: callers
	 * must not ask often. */
	int (*count_sessions)(void *conn, const struct call *c,
			      struct session_counts *out, struct err *err);

	/* Returns whether the network of a sign-in is known and until when its
	 * keys are banned. Counts nothing. */
	int (*standing)(void *conn, const struct call *c,
			const struct login_keys *k, struct login_standing *out,
			struct err *err);

	/*
	 * Returns the same, and counts an attempt under all its keys. If one
	 * of the keys is banned, or has reached its max in its window, the
	 * attempt is counted under none. This operation never begins a ban.
	 * Parallel calls are counted one by one. When the keys are on several
	 * servers and the connection to one of them is lost meanwhile, the
	 * attempt may stay counted under some of its keys.
	 */
	int (*count)(void *conn, const struct call *c,
		     const struct login_keys *k, struct login_count *out,
		     struct err *err);

	/*
	 * Ends an attempt whose password was right. Resets the key of the
	 * user, and removes the attempt from the windows of the other keys.
	 * Stores the network with its new end; of the other networks of the
	 * user, the NETWORKS_MAX - 1 that end last are kept.
	 */
	int (*succeed)(void *conn, const struct call *c,
		       const struct login_success *s, struct err *err);

	/*
	 * Counts one attempt for a key, or tells until when the key is banned.
	 * The attempt after `max` ones in a window begins a ban; during a ban
	 * nothing is counted. Of parallel calls each counts.
	 *
	 * Here and below, a window or ban that ends after latest_ms() counts as
	 * over: it was written by a clock that has been set back since.
	 */
	int (*attempt)(void *conn, const struct call *c, struct str key,
		       const struct attempt_policy *policy, struct attempt *out,
		       struct err *err);

	/* Undoes one attempt in the window that ends at ends_ms. Does nothing
	 * if the key has no such window, because it is over or was reset, or if
	 * the key is banned. */
	int (*give_back)(void *conn, const struct call *c, struct str key,
			 int64_t ends_ms, struct err *err);

	/* Removes the attempts and the ban of a key, for an administrator. */
	int (*reset_attempts)(void *conn, const struct call *c, struct str key,
			      bool *was_banned, struct err *err);

	/* Lists the bans in force, the one that ends last first, then by the
	 * bytes of the key; at most `limit`. ban_ms is that of the policy. */
	int (*bans)(void *conn, const struct call *c, int64_t ban_ms,
		    size_t limit, struct ban_list *out, struct err *err);

	/* Returns the networks of a user that have not expired, in no order. */
	int (*networks)(void *conn, const struct call *c, struct str user,
			struct known_networks *out, struct err *err);

	/* Deletes the networks of a user. */
	int (*unlearn)(void *conn, const struct call *c, struct str user,
		       struct err *err);

	/* Removes at most `limit` expired sessions, attempts, networks and
	 * denials; *removed is their number. NULL if the store drops them by
	 * itself. */
	int (*sweep)(void *conn, const struct call *c, size_t limit,
		     int64_t *removed, struct err *err);
};

/* Compares in a time that does not depend on where the two differ. */
static inline bool
token_hash_same(const struct token_hash *a, const struct token_hash *b)
{
	return secret_equal((struct str){ .p = (const char *)a->b,
					  .n = sizeof(a->b) },
			    (struct str){ .p = (const char *)b->b,
					  .n = sizeof(b->b) });
}

static inline bool
password_mark_is_known(const struct password_mark *mark)
{
	static const struct password_mark unknown;

	return memcmp(mark, &unknown, sizeof(*mark)) != 0;
}

#endif
