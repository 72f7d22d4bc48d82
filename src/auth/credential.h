/* SPDX-License-Identifier: MIT */
/*
 * Credentials in requests and answers: where a request carries its token, and
 * how a sign-in hands one over. This is the same in every mode.
 */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include "auth/request_context.h"

#include <jansson.h>

enum credential_answer {
	CREDENTIAL_REFUSED = 0, /* contradictory: two tokens or two headers */
	CREDENTIAL_ABSENT,
	CREDENTIAL_BEARER,
	CREDENTIAL_COOKIE,
};

/*
 * Finds the token of a request: that of `Authorization: Bearer` if there is
 * one, otherwise the access cookie. Other schemes are ignored. *token is
 * empty when there is none or it is refused.
 */
enum credential_answer credential_find(const struct request_context *ctx,
				       struct str *token);

/* Identifies the user of a token. This is sufficient to sign out: the session
 * may have ended. */
int credential_read(struct request_context *ctx, struct str token,
		    struct auth_result *out, struct err *err) MUST_USE;

/*
 * Identifies the user of the credential. A refused or absent one results in
 * VERDICT_DENY. *token is what was presented; empty when nothing was. This is
 * sufficient to sign out: whether the user may still be signed in is not
 * checked.
 */
int credential_identify(struct request_context *ctx, struct auth_result *out,
			struct str *token, struct err *err) MUST_USE;

/* Called after a mode has authenticated. Looks up the user when that is due,
 * which may change the principal, or deny and zero it; and queues the touch
 * that is due. */
int credential_keep(struct request_context *ctx, struct auth_result *is,
		    struct err *err) MUST_USE;

/* Returns what credential_keep() leaves of the user of the credential. If the
 * cache knows it and nothing is due, the store is not asked. */
int credential_authenticate(struct request_context *ctx,
			    struct auth_result *out, struct str *token,
			    struct err *err) MUST_USE;

/* Sets the cookies after a sign-in or a refresh. */
void credential_set_cookies(struct request_context *ctx,
			    const struct credentials *c);

/* Returns true when the answer to a form, or to a program, has cookies. */
bool credential_wants_cookies(const struct request_context *ctx, bool form);

/* Finds the refresh cookie, in a mode that has one besides the access cookie.
 * *token is empty unless the result is CREDENTIAL_COOKIE. */
enum credential_answer
credential_find_refresh(const struct request_context *ctx, struct str *token);

/* Returns the largest size in bytes of an access token that a browser keeps in
 * its cookie (RFC 6265bis: 4096 including the name). */
size_t credential_cookie_room(const struct request_context *ctx);
/* The message about an access token that is too large for a cookie. */
extern const char credential_too_large[];

/* Builds the token answer (RFC 6749 section 5.1, and `user`), with or without
 * the tokens themselves; NULL when out of memory. */
json_t *credential_json(const struct identity *who, const struct credentials *c,
			bool tokens);

/* Returns true when auth.deliver asks for tokens in the body. */
bool credential_wants_body(const struct request_context *ctx);

/* Builds {"name":...,"roles":[...],...}; NULL when out of memory. */
json_t *credential_identity_json(const struct identity *who);

/* Ends the session or token that a token identifies; audits `event` if there
 * was something to end. */
int credential_end(struct request_context *ctx, struct str token,
		   const char *event, struct err *err) MUST_USE;

/* Deletes the cookies that a sign-in sets. */
void credential_clear_cookies(struct request_context *ctx);

#endif
