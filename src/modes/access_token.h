/* SPDX-License-Identifier: MIT */
/* Access tokens: what the modes jwt and refresh have in common. */
#ifndef MODES_ACCESS_TOKEN_H
#define MODES_ACCESS_TOKEN_H

#include "strategy/auth_mode.h"
#include "modes/jwt_settings.h"

/* Const once opened. */
struct access {
	struct keyring keys;
	struct jwt_policy policy;
	bool denials; /* the store is asked whether a token is denied */
};

/* `make` as in struct mode_conf; no denials. */
int access_open(const struct jwt_conf *conf, bool make, const struct env *env,
		struct arena *a, struct access *out, struct err *err) MUST_USE;

/* As auth_mode_ops.authenticate. */
int access_authenticate(const struct access *access, struct call *c,
			struct str token, struct auth_result *out,
			struct err *err) MUST_USE;

/* Whose token, and of which session, whether it is still good or not: for
 * ending that. */
int access_identify(const struct access *access, struct call *c,
		    struct str token, struct auth_result *out,
		    struct err *err) MUST_USE;

/* What an access token says. */
struct access_token {
	const struct identity *who;
	const struct session_id *session;
	int64_t now, ttl; /* seconds: from now on, for so long */
};

int access_token_make(const struct access *access,
		      const struct access_token *says, const struct env *env,
		      struct arena *a, struct str *token, struct err *err)
    MUST_USE;

/* A token for who, of this session, from now on for the time of the policy. */
int access_issue(const struct access *access, struct call *c,
		 const struct identity *who, const struct session_id *session,
		 struct str *token, struct err *err) MUST_USE;

/* A secret derived from the key that signs. */
int access_secret(const struct access *access, const char *label,
		  uint8_t out[32], struct err *err) MUST_USE;

#endif
