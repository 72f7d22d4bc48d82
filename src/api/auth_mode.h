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
 */
#ifndef API_AUTH_MODE_H
#define API_AUTH_MODE_H

#include "api/store.h"
#include "api/users.h"

/* What the handling of one request may touch below HTTP. */
struct call {
	struct arena *arena;
	const struct env *env;
	int64_t now_ms; /* wall clock, read once: all of a request agrees */
	struct store_link *store;
	struct users_link *users;
};

/* Zero denies. */
enum verdict { VERDICT_DENY = 0, VERDICT_ALLOW };

/* What a valid credential means. */
struct grant {
	struct identity who;
	struct session_id session;
	int64_t expires_ms; /* when this credential stops working at the latest */
	bool remember;
	/* Ask for a touch of the session with these; 0: no touch is due. */
	int64_t touch_last_seen_ms, touch_idle_expires_ms;
};

struct login {
	struct identity who;
	bool remember;
	struct str address, user_agent;
};

/* What a client gets to hold. */
struct credentials {
	struct session_id session;
	struct str access;  /* the token, in ASCII safe for cookie and header */
	int64_t expires_in; /* seconds; of the access token */
	int64_t cookie_max_age; /* of its cookie; -1: until the browser ends */
};

enum mode_caps {
	MODE_STATELESS = 1 << 0, /* authenticate() needs no store */
};

struct auth_mode_ops {
	struct backend base;

	/* Kind of the cookie that carries the access token:
	 * enum cookie_kind of http/cookie.h. */
	int access_cookie;

	int (*open)(const void *conf, const struct env *env, struct arena *a,
		    void **mode, struct err *err);
	void (*close)(void *mode);

	/* May a login ask to be remembered?  NULL: never. */
	bool (*offers_remember)(const void *mode);

	/* Who is this?  `token` is attacker input of any length.  Reads only. */
	int (*authenticate)(const void *mode, struct call *c, struct str token,
			    enum verdict *verdict, struct grant *out,
			    struct err *err);

	/* After a login.  `old` (may be empty) is the token that the client
	 * came with: what it stands for ends first. */
	int (*issue)(const void *mode, struct call *c, const struct login *login,
		     struct str old, struct credentials *out, struct err *err);

	/* Logout.  *ended carries the session when there was one to end; a
	 * dead or forged token is no failure. */
	int (*revoke)(const void *mode, struct call *c, struct str token,
		      enum verdict *ended, struct grant *out, struct err *err);
};

#endif
