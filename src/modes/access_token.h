/* SPDX-License-Identifier: MIT */
/* Access tokens, which the modes jwt and refresh have in common. */
#ifndef MODES_ACCESS_TOKEN_H
#define MODES_ACCESS_TOKEN_H

#include "strategy/auth_mode.h"
#include "modes/jwt_settings.h"

/* Const once opened. */
struct access_tokens {
	struct keyring keys;
	struct jwt_policy policy;
	bool denials; /* each check asks the store whether a token is denied */
};

/* Loads the keys and the policy. `make` is as in struct mode_conf; denials is
 * set to false. */
int access_open(const struct jwt_conf *conf, bool make, const struct env *env,
		struct arena *a, struct access_tokens *out,
		struct err *err) MUST_USE;

/* Implements auth_mode_ops.authenticate. */
int access_authenticate(const struct access_tokens *access, struct call *c,
			struct str token, struct auth_result *out,
			struct err *err) MUST_USE;

/* Returns the identity and the session of a token, even if it has expired or
 * is denied; used to end its session. */
int access_identify(const struct access_tokens *access, struct call *c,
		    struct str token, struct auth_result *out,
		    struct err *err) MUST_USE;

/* The contents of an access token. */
struct access_token {
	const struct identity *who;
	const struct session_id *session;
	int64_t now, ttl; /* in seconds: when it begins, and its lifetime */
	/* In seconds: when the user last proved who they are; 0: not stated. */
	int64_t auth_time;
};

int access_token_make(const struct access_tokens *access,
		      const struct access_token *says, const struct env *env,
		      struct arena *a, struct str *token,
		      struct err *err) MUST_USE;

/* Issues a token for this session, of which who, id and auth_ms are used. It
 * is valid from now on, for the ttl of the policy, and allocated in c->arena.
 */
int access_issue(const struct access_tokens *access, struct call *c,
		 const struct session *s, struct str *token,
		 struct err *err) MUST_USE;

/* Derives a secret for `label` from the signing key. */
int access_secret(const struct access_tokens *access, const char *label,
		  uint8_t out[32], struct err *err) MUST_USE;

#endif
