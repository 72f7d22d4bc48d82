/* SPDX-License-Identifier: MIT */
/*
 * The interface of modes: how a sign-in becomes credentials and a credential
 * becomes an identity. A mode knows nothing of HTTP: all modes receive and
 * hand out credentials in the same way, which is implemented in auth/.
 *
 * Lifetime  a mode is opened with its snapshot and is const after that; all
 *           workers share it.
 * Threads   any thread may call any operation; nothing in a mode changes.
 * Memory    results are allocated in call->arena.
 * Failure   -1 means that the question could not be answered: the caller
 *           answers 503 and changes no cookie.
 * Outputs   on 0 all outputs are set, also when the answer is no; fields that
 *           do not apply are zero. On -1 no output is written.
 */
#ifndef STRATEGY_AUTH_MODE_H
#define STRATEGY_AUTH_MODE_H

#include "strategy/call.h"
#include "strategy/store.h"
#include "strategy/users.h"

#include <jansson.h>

/* The zero value denies. */
enum verdict { VERDICT_DENY = 0, VERDICT_ALLOW };

/* The identity and the session that a valid credential stands for. */
struct principal {
	struct identity who;
	struct session_id session;
	int64_t expires_ms; /* when this credential expires at the latest */
	int64_t ends_ms; /* when the session ends, however it is prolonged */
	/* When the user last proved who they are; 0: unknown. */
	int64_t auth_ms;
	bool remember;
	/* The fields from here on are zero unless the session was read from
	 * the store. last_seen_ms must be updated when it is touch_every_ms
	 * old; touch_idle_expires_ms is the new idle_expires_ms if that is done
	 * now. */
	int64_t last_seen_ms, touch_every_ms, touch_idle_expires_ms;
	struct password_mark mark;
};

struct login {
	struct identity who;
	struct str hash; /* the hash that the password was verified with */
	bool remember;
	struct str address, user_agent;
};

/* The credentials that a client receives. */
struct credentials {
	struct session_id session;
	struct str access; /* the token, in ASCII safe for cookie and header */
	int64_t expires_in; /* seconds until the access token expires */
	/* Seconds; of the cookie of the access token. -1: the cookie lasts
	 * until the browser is closed. */
	int64_t cookie_max_age;
	struct str refresh; /* refresh token; empty where the mode has none */
	int64_t refresh_max_age; /* seconds; of its cookie */
	int64_t evicted; /* number of other sessions that the sign-in ended */
};

/* The result of checking a credential; with VERDICT_DENY the principal is
 * zero. */
struct auth_result {
	enum verdict verdict;
	struct principal principal;
};

/* The session that a token names. */
struct named_session {
	bool ours; /* this service made the token; else the id is zero */
	struct session_id id;
};

/* The zero value denies. */
enum refresh_answer {
	REFRESH_REFUSED = 0, /* the token has ended, or is forged or foreign */
	REFRESH_DONE,
	REFRESH_AGAIN, /* grace period: the same successor is returned again */
	REFRESH_REUSED, /* an old token was presented: its session was ended */
	REFRESH_FUTURE, /* its generation is ahead of the store's: the store
			 * was restored from an older state */
	REFRESH_TOO_LARGE, /* the new access token does not fit; the refresh
			    * token was not used up */
};

/* With REFRESH_DONE and _AGAIN all fields are set; with REFRESH_REUSED and
 * _FUTURE the principal is set, for the log. All other fields are zero. */
struct refresh_result {
	enum refresh_answer answer;
	struct principal principal;
	struct credentials credentials;
};

#define MODE_ALSO_MAX 2

/* The configuration that a mode is opened with. */
struct mode_conf {
	const void *own; /* the section of the mode itself */
	/* The sections of auth_mode_ops.also, in its order. */
	const void *also[MODE_ALSO_MAX];
	/* True: missing keys are made. False: nothing is changed; it is only
	 * checked whether missing keys could be made. */
	bool make;
};

struct auth_mode_ops {
	struct driver driver;

	/* Kinds of the cookies that carry the tokens for authenticate() and
	 * for refresh(): enum cookie_kind of http/cookie.h. */
	int access_cookie, refresh_cookie;

	/* The modes whose sections this one reads as well; NULL ends them. */
	const char *also[MODE_ALSO_MAX];

	/* Reads the keys; does not use the store. */
	int (*open)(const struct mode_conf *conf, const struct env *env,
		    struct arena *a, void **mode, struct err *err);
	void (*close)(void *mode);

	/*
	 * Returns whether the mode keeps anything in the store. If it does
	 * not, the service counts failed sign-ins in the memory of the
	 * process. NULL: the mode needs the store.
	 */
	bool (*needs_store)(const void *conf);

	/*
	 * Derives a secret for `label` that all instances share. NULL: the
	 * store keeps such a secret (store_secret()).
	 */
	int (*secret)(const void *mode, const char *label, uint8_t out[32],
		      struct err *err);

	/*
	 * End all tokens of a user (user.p NULL: of all users), or of one
	 * session, as soon as an administrator changes them. `conf` is the
	 * configuration of the mode. end_session() also removes the session
	 * from the store; after end_user() the caller does. NULL: there is
	 * nothing to end but the sessions in the store.
	 */
	int (*end_user)(const void *conf, struct call *c, struct str user,
			struct err *err);
	int (*end_session)(const void *conf, struct call *c,
			   const struct session_id *id, struct err *err);

	/* Ends the stored sessions of a user but one, and their tokens; *ended
	 * is their number. NULL: store_revoke_user() does. */
	int (*end_others)(struct call *c, struct str user,
			  const struct session_id *except, int64_t *ended,
			  struct err *err);

	/* Returns whether a sign-in may ask to be remembered. NULL: never. */
	bool (*offers_remember)(const void *mode);

	/* Returns whether authenticate() asks the store. If it does not, its
	 * result depends on nothing but the token, the keys and the time. NULL:
	 * it always does. */
	bool (*asks_store)(const void *mode);

	/* Checks an access token and returns its identity. `token` is attacker
	 * input of any length. Only reads. */
	int (*authenticate)(const void *mode, struct call *c, struct str token,
			    struct auth_result *out, struct err *err);

	/* Does the same for a token whose session may have ended: sufficient
	 * to sign out. NULL: authenticate() does. */
	int (*identify)(const void *mode, struct call *c, struct str token,
			struct auth_result *out, struct err *err);

	/* Issues the credentials after a sign-in. */
	int (*issue)(const void *mode, struct call *c,
		     const struct login *login, struct credentials *out,
		     struct err *err);

	/*
	 * Prolongs a session. NULL: the mode cannot. The new access token
	 * has at most access_max bytes. As far as possible, every step that
	 * can fail is done before the token is used up.
	 */
	int (*refresh)(const void *mode, struct call *c, struct str token,
		       size_t access_max, struct refresh_result *out,
		       struct err *err);

	/* Returns the session that a token of refresh_cookie names, whether it
	 * has ended or not. It is also called for a token that another mode
	 * left in a browser: then `mode` is NULL. NULL as the operation: the
	 * mode has no such tokens. */
	int (*session_of)(const void *mode, struct call *c, struct str token,
			  struct named_session *out, struct err *err);

	/* Returns the public keys as a JWK Set (RFC 7517 section 5), as a new
	 * reference; NULL if out of memory. NULL as the operation: the mode
	 * has no keys. */
	json_t *(*jwks)(const void *mode);

	/* Signs out. VERDICT_ALLOW: a session was ended, and the principal is
	 * that of this session. An expired or forged token is not a
	 * failure. */
	int (*revoke)(const void *mode, struct call *c, struct str token,
		      struct auth_result *out, struct err *err);
};

#endif
