/* SPDX-License-Identifier: MIT */
/*
 * The store strategy, for implementers; callers include strategy/store.h.
 *
 * Lives, threads: as in strategy/backend.h.
 * Memory   what an operation returns, and what it needs meanwhile, is from the
 *          arena of its call; what it is given is borrowed for the call.
 * Failure  -1 means "I could not answer", with ERR_UNAVAILABLE when trying
 *          later may help: the caller then disconnects and connects again
 *          later, with back-off, and so do other workers (strategy/conn.h); or
 *          with ERR_BUSY, when another connection would fare no better: what
 *          is wrong with one session is no matter of the others.  A store
 *          does not retry.  "No such session" is an answer, not a
 *          failure.
 * Outputs  on 0 all are set, also when the answer is no: what there is nothing
 *          to say in is zero.  On -1 none is touched.
 * Damage   whatever somebody else has put where a session should be, of any
 *          type and size, is read with bounded memory and has session_check()
 *          called for it.
 * Atomic   each operation happens as a whole or not at all, also against the
 *          same operation in other threads and processes.
 * Time     is now_ms of the call, milliseconds since the epoch; a store never
 *          asks a clock.  A session is alive while now_ms < idle_expires_ms
 *          and now_ms < expires_ms; that is decided at reading, never by
 *          sweep().
 */
#ifndef STRATEGY_SESSION_STORE_H
#define STRATEGY_SESSION_STORE_H

#include "strategy/backend.h"
#include "strategy/call.h"
#include "strategy/identity.h"
#include "base/secret.h"

#include <string.h>

#define SESSION_ID_BYTES 16
#define DENIED_KEYS_MAX	 4 /* in one question */
#define PASSWORD_MARK_BYTES 16

/*
 * SHA-256 of a token: a store never sees, so cannot leak, the token.  A token
 * contains the id of its session, so no two sessions have the same hash.
 */
struct token_hash {
	uint8_t b[32];
};

/* What lists and logs show; no secret, and not derived from one. */
struct session_id {
	uint8_t b[SESSION_ID_BYTES];
};

/*
 * Which password hash a session was made with, without telling it
 * (strategy/password_mark.h).  All zero: not known, in sessions of before there
 * were marks.
 */
struct password_mark {
	uint8_t b[PASSWORD_MARK_BYTES];
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
	uint32_t generation; /* of the secret: 0, then +1 at each rotation */
	struct password_mark mark;
	const char *damage; /* NULL, or which field cannot be: session_check().
			     * Only between a store and its caller strategy/store.c,
			     * which answers ERR_BUSY and leaves it out of lists */
};

/* All zero when there is none. */
struct session_answer {
	bool found;
	struct session session;
};

/* A session was seen. */
struct touch {
	struct session_id id;
	int64_t last_seen_ms, idle_expires_ms;
};

/* One use of a refresh token, and what is to follow it. */
struct rotation {
	struct session_id id; /* of the session */
	struct token_hash presented; /* authentic: its tag was checked */
	uint32_t generation;	     /* that it says of itself */
	struct token_hash next;	     /* the secret that shall follow it */
	uint8_t wrapped[32]; /* `next`, readable only with the presented one */
	int64_t idle_ms;     /* idle_expires_ms becomes now + this, at most
			      * expires_ms */
	int64_t grace_ms; /* 0: none */
};

/* Zero denies. */
enum rotate_answer {
	ROTATE_GONE = 0, /* no such session, or it is over */
	ROTATE_DONE,	 /* `next` is the secret now */
	ROTATE_GRACE,	 /* the one before, just replaced: the same successor */
	ROTATE_REUSED,	 /* older: the session was ended by this call */
	ROTATE_FUTURE,	 /* ahead of the store: it was set back; nothing done */
};

struct rotated {
	enum rotate_answer answer;
	struct session session; /* after the step; with REUSED as it was
				 * before its end, with GONE zero */
	uint8_t wrapped[32]; /* with DONE and GRACE the wrapped successor of
			      * what was presented, else zero */
};

/* Stateless tokens of a key ("sid:ID", "user:NAME") issued at or before
 * issued_ms, until until_ms (exclusive). */
struct denial {
	struct str key;
	int64_t issued_ms, until_ms;
};

/* About a token issued at issued_ms. */
struct denial_question {
	const struct str *keys;
	size_t n; /* at most DENIED_KEYS_MAX */
	int64_t issued_ms;
};

/* Sessions of the user with one mark get another; neither is zero. */
struct remark {
	struct str user;
	struct password_mark from, to;
};

/* Regulation: attempts of one key in a window, and the ban that follows. */
struct attempt_policy {
	int64_t max;	/* this many are allowed in a window */
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

/* A network where a user has signed in: a keyed hash, never its address. */
struct known_network {
	uint8_t b[NETWORK_HASH_BYTES];
	int64_t until_ms;
};

/* Zeros behind the n. */
struct known_networks {
	struct known_network v[NETWORKS_MAX];
	size_t n;
};

/* Live sessions of one user or (user.p NULL) of all, at most `limit`. */
struct session_query {
	struct str user;
	size_t limit;
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
	struct backend_ops base;

	/*
	 * A named 32-byte secret that all instances on this store share:
	 * *value comes in as a fresh random candidate and goes out as the one
	 * that is kept.
	 */
	int (*secret)(void *conn, const struct call *c, const char *name,
		      uint8_t value[32], struct err *err);

	/*
	 * Adds a session whose id, by session_id_make(), is new.  With max_per_user > 0
	 * and that many live sessions of the user, the oldest by `created_ms` are
	 * ended in the same step until the new one fits: *evicted of them.
	 */
	int (*create)(void *conn, const struct call *c,
		      const struct session *session, int64_t max_per_user,
		      int64_t *evicted, struct err *err);

	/* The live session with this id, if this is its token. */
	int (*find)(void *conn, const struct call *c,
		    const struct session_id *id, const struct token_hash *token,
		    struct session_answer *out, struct err *err);

	/*
	 * Moves last_seen_ms and idle_expires_ms forward, never back, unless
	 * the session was last seen_ahead(): then both are set.  A session that
	 * is gone, or over at t->last_seen_ms, stays so: a touch never revives.
	 */
	int (*touch)(void *conn, const struct call *c, const struct touch *t,
		     struct err *err);

	/*
	 * One atomic step on one session.  In this order:
	 *
	 *	not there or over, or its generation is
	 *		the last (UINT32_MAX)		GONE
	 *	generation above the stored one		FUTURE
	 *	presented is the current secret		DONE: it becomes the
	 *		one before; next, wrapped, generation + 1, last_seen_ms,
	 *		idle_expires_ms are stored; grace begins at now_ms
	 *	presented is the one before,
	 *		in_grace()			GRACE: nothing moves
	 *	otherwise				REUSED: it is ended
	 *
	 * Of all calls with the same secret, in all processes, one gets DONE.
	 * Grace counts from the rotation and is not prolonged by its use.
	 */
	int (*rotate)(void *conn, const struct call *c,
		      const struct rotation *r, struct rotated *out,
		      struct err *err);

	/* Refuses these tokens all the same.  A later call never takes back
	 * nor shortens an earlier one. */
	int (*deny)(void *conn, const struct call *c, const struct denial *d,
		    struct err *err);

	/* Is the token denied by one of the keys?  One round trip. */
	int (*denied)(void *conn, const struct call *c,
		      const struct denial_question *q, bool *denied,
		      struct err *err);

	/* Ends one; *ended says whether there was one to end. */
	int (*revoke)(void *conn, const struct call *c,
		      const struct session_id *id, bool *ended,
		      struct err *err);

	/* Ends all of a user but `except` (NULL: all). */
	int (*revoke_user)(void *conn, const struct call *c, struct str user,
			   const struct session_id *except, int64_t *ended,
			   struct err *err);

	int (*revoke_all)(void *conn, const struct call *c, int64_t *ended,
			  struct err *err);

	/* Live sessions of who->name get this identity. */
	int (*update_user)(void *conn, const struct call *c,
			   const struct identity *who, struct err *err);

	int (*remark)(void *conn, const struct call *c, const struct remark *m,
		      struct err *err);

	/* Newest first, from *cursor on, which moves. */
	int (*list)(void *conn, const struct call *c,
		    const struct session_query *q,
		    struct session_cursor *cursor, struct session_list *out,
		    struct err *err);

	/*
	 * Counts one attempt for a key, or tells until when the key is banned.
	 * The attempt after `max` ones in a window begins a ban; during a ban
	 * nothing is counted.  Of parallel calls each counts.
	 *
	 * Here and below, a window or ban that ends after latest_ms() is of a
	 * clock that was set back since, and is over.
	 */
	int (*attempt)(void *conn, const struct call *c, struct str key,
		       const struct attempt_policy *policy, struct attempt *out,
		       struct err *err);

	/* Takes one attempt back, of the window that ends at ends_ms: nothing
	 * when that is over, forgotten or banned. */
	int (*give_back)(void *conn, const struct call *c, struct str key,
			 int64_t ends_ms, struct err *err);

	/* Until when the key is banned (0: it is not); counts nothing. */
	int (*banned)(void *conn, const struct call *c, struct str key,
		      int64_t ban_ms, int64_t *banned_until_ms,
		      struct err *err);

	/* Forgets the key and its ban: a success, or an administrator's
	 * lift. */
	int (*reset_attempts)(void *conn, const struct call *c, struct str key,
			      bool *was_banned, struct err *err);

	/* Every ban in force, longest first, then by the bytes of its key; at
	 * most `limit`.  ban_ms is that of the policy. */
	int (*bans)(void *conn, const struct call *c, int64_t ban_ms,
		    size_t limit, struct ban_list *out, struct err *err);

	/* Keeps a network of a user until its end (which replaces the one that
	 * it had), and of the others those NETWORKS_MAX - 1 that end last. */
	int (*learn)(void *conn, const struct call *c, struct str user,
		     const struct known_network *network, struct err *err);

	/* The networks of a user that are not over, in no order. */
	int (*networks)(void *conn, const struct call *c, struct str user,
			struct known_networks *out, struct err *err);

	/* Forgets the networks of a user. */
	int (*unlearn)(void *conn, const struct call *c, struct str user,
		       struct err *err);

	/* Removes at most `limit` dead sessions, stale attempts, networks and
	 * denials.  NULL when the store drops them by itself. */
	int (*sweep)(void *conn, const struct call *c, size_t limit,
		     int64_t *removed, struct err *err);
};

/* In a time that does not tell where they differ. */
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

/* Hosts differ by less, and no touch is later by more. */
#define CLOCK_SLACK_MS INT64_C(300000)

/*
 * Was this time written while a clock was ahead, which was set right since?
 * What it bounds would last for so much longer.  The stores and the modes
 * decide by this, in SQL and Lua as well.
 */
static inline bool
seen_ahead(int64_t seen_ms, int64_t now_ms)
{
	return seen_ms - CLOCK_SLACK_MS > now_ms; /* no time is below 0 */
}

/* At most grace_ms after the beginning; nor longer before it, as on a host whose
 * clock is behind: a grace that begins in the future is over. */
static inline bool
in_grace(int64_t began_ms, int64_t grace_ms, int64_t now_ms)
{
	return grace_ms > 0 && now_ms - began_ms <= grace_ms &&
	    began_ms - now_ms <= grace_ms;
}

/* The end of a span that may be as long as time itself; for the stores. */
static inline int64_t
later_ms(int64_t now_ms, int64_t add_ms)
{
	return now_ms > INT64_MAX - add_ms ? INT64_MAX : now_ms + add_ms;
}

/* How far the clocks of two instances may be apart. */
#define CLOCK_SKEW_MS 30000

/* The latest end of a window or ban that may have begun: by the clock of
 * another instance, which is ahead. */
static inline int64_t
latest_ms(int64_t now_ms, int64_t span_ms)
{
	const int64_t skew = span_ms < CLOCK_SKEW_MS ? span_ms : CLOCK_SKEW_MS;

	return later_ms(later_ms(now_ms, span_ms), skew);
}

#endif
