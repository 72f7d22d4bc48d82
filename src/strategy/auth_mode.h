/* SPDX-License-Identifier: MIT */
/*
 * The mode strategy: how a login becomes credentials and a credential becomes
 * an identity.  A mode knows no HTTP: where a credential comes from and how it
 * is handed over is the same in all modes and lives in auth/.
 *
 * Lives    opened with its snapshot, const after that: all workers share it.
 * Threads  any; nothing in it changes.
 * Memory   results come from call->arena.
 * Failure  -1 is "could not tell": the caller answers 503 and changes no
 *          cookie.
 * Outputs  on 0 all are set, also when the answer is no: what there is nothing
 *          to say in is zero.  On -1 none is touched.
 */
#ifndef STRATEGY_AUTH_MODE_H
#define STRATEGY_AUTH_MODE_H

#include "strategy/call.h"
#include "strategy/store.h"
#include "strategy/users.h"

#include <jansson.h>

/* Zero denies. */
enum verdict { VERDICT_DENY = 0, VERDICT_ALLOW };

/* What a valid credential means. */
struct grant {
	struct identity who;
	struct session_id session;
	int64_t expires_ms; /* when this credential stops at the latest */
	int64_t ends_ms; /* when the login is over, however it is prolonged */
	bool remember;
	/* Of a session that the store was asked for, else 0: when it was last
	 * seen, and how far idle lets it live when it is seen now. */
	int64_t last_seen_ms, touch_idle_expires_ms;
	bool touch_due; /* last_seen_ms is too far behind */
	struct password_mark mark; /* of such a session */
};

struct login {
	struct identity who;
	struct str hash; /* that the password was verified with */
	bool remember;
	struct str address, user_agent;
};

/* What a client gets to hold. */
struct credentials {
	struct session_id session;
	struct str access;  /* the token, in ASCII safe for cookie and header */
	int64_t expires_in; /* seconds; of the access token */
	int64_t cookie_max_age; /* of its cookie; -1: until the browser ends */
	struct str refresh; /* refresh token; empty where the mode has none */
	int64_t refresh_max_age; /* of its cookie */
	int64_t evicted; /* other sessions that the login ended */
};

/* What a credential is worth; the grant is zero with VERDICT_DENY. */
struct auth_result {
	enum verdict verdict;
	struct grant grant;
};

/* The session that a token names. */
struct named_session {
	bool ours; /* the token was made here; else the id is zero */
	struct session_id id;
};

/* Zero denies. */
enum refresh_answer {
	REFRESH_REFUSED = 0, /* dead, forged, or not ours */
	REFRESH_DONE,
	REFRESH_AGAIN, /* it was just used: the same successor once more */
	REFRESH_REUSED, /* an old one came back: its session was ended */
	REFRESH_FUTURE, /* ahead of the store, which was set back */
	REFRESH_TOO_LARGE, /* the new access token does not fit; nothing was
			    * used up */
};

/* With REFRESH_DONE and _AGAIN all is filled, with REFRESH_REUSED and _FUTURE
 * the grant, for the log; what is not filled is zero. */
struct refresh_result {
	enum refresh_answer answer;
	struct grant grant;
	struct credentials credentials;
};

/* What a mode is opened with. */
struct mode_conf {
	const void *own;
	const void *also; /* of the mode auth_mode_ops.also; else NULL */
	/* Keys that are missing are made.  Without it nothing is changed: they
	 * are looked at only as far as whether they could be made. */
	bool make;
};

struct auth_mode_ops {
	struct driver driver;

	/* Kinds of the cookies that carry what is presented to authenticate()
	 * and to refresh(): enum cookie_kind of http/cookie.h. */
	int access_cookie, refresh_cookie;

	/* The mode whose section this one reads too; NULL: none. */
	const char *also;

	/* Reads keys; asks no store. */
	int (*open)(const struct mode_conf *conf, const struct env *env,
		    struct arena *a, void **mode, struct err *err);
	void (*close)(void *mode);

	/*
	 * Does the mode keep anything in the store?  When not, the service
	 * counts failed logins in the process's own memory.  NULL: it does.
	 */
	bool (*needs_store)(const void *conf);

	/*
	 * A secret that all instances share, for `label`.  NULL: it is the
	 * store's to keep (store_secret()).
	 */
	int (*secret)(const void *mode, const char *label, uint8_t out[32],
		      struct err *err);

	/*
	 * Ends what a user (user.p NULL: everybody), or one session, has: what
	 * an administrator's change does at once.  `conf` is the mode's.  NULL:
	 * the sessions in the store are all there is.
	 */
	int (*end_user)(const void *conf, struct call *c, struct str user,
			struct err *err);
	int (*end_session)(const void *conf, struct call *c,
			   const struct session_id *id, struct err *err);

	/* May a login ask to be remembered?  NULL: never. */
	bool (*offers_remember)(const void *mode);

	/* Who is this?  `token` is attacker input of any length.  Reads
	 * only. */
	int (*authenticate)(const void *mode, struct call *c, struct str token,
			    struct auth_result *out, struct err *err);

	/* After a login. */
	int (*issue)(const void *mode, struct call *c, const struct login *login,
		     struct credentials *out, struct err *err);

	/*
	 * Prolongs a login.  NULL: the mode cannot.  An access token has at
	 * most access_max bytes.  All that can fail comes before the token is
	 * used up, as far as that can be.
	 */
	int (*refresh)(const void *mode, struct call *c, struct str token,
		       size_t access_max, struct refresh_result *out,
		       struct err *err);

	/* The session that a token of refresh_cookie names, whether it lives
	 * or not.  Asked, too, of what another mode has left in a browser:
	 * then `mode` is NULL.  NULL as a slot: there are none. */
	int (*session_of)(const void *mode, struct call *c, struct str token,
			  struct named_session *out, struct err *err);

	/* Public keys as a JWK Set (RFC 7517 section 5); a new reference, NULL
	 * when out of memory.  NULL as a slot: the mode has no keys. */
	json_t *(*jwks)(const void *mode);

	/* Logout.  VERDICT_ALLOW: there was a session to end, which the grant
	 * is of; a dead or forged token is no failure. */
	int (*revoke)(const void *mode, struct call *c, struct str token,
		      struct auth_result *out, struct err *err);
};

#endif
