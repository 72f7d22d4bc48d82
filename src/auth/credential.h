/* SPDX-License-Identifier: MIT */
/*
 * Credentials in and out: where a request carries its token, and how a login
 * hands one over.  The same in every mode.
 */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include "auth/exchange.h"

#include <jansson.h>

enum credential_answer {
	CREDENTIAL_REFUSED = 0, /* contradictory: two tokens, two headers */
	CREDENTIAL_ABSENT,
	CREDENTIAL_BEARER,
	CREDENTIAL_COOKIE,
};

/*
 * `Authorization: Bearer` if present, alone; other schemes are ignored; else
 * the access cookie.  *token is empty when there is none or it is refused.
 */
enum credential_answer credential_find(const struct exchange *e,
				       struct str *token);

/*
 * Whose credential is it?  A refused or absent one is VERDICT_DENY.  *token is
 * what was presented; empty when nothing was.  Enough to sign out: whether the
 * user may still be signed in is not asked.
 */
int credential_identify(struct exchange *e, struct auth_result *out,
			struct str *token, struct err *err) MUST_USE;

/* After a mode has authenticated: looks up the user when that is due, which
 * may change the grant, or deny and zero it, and notes a due touch. */
int credential_keep(struct exchange *e, struct auth_result *is,
		    struct err *err) MUST_USE;

/* Who asks?  Both of the above. */
int credential_authenticate(struct exchange *e, struct auth_result *out,
			    struct str *token, struct err *err) MUST_USE;

/* After a login or a refresh. */
void credential_set_cookies(struct exchange *e, const struct credentials *c);

/* True when an answer of this kind (a form's or a program's) has cookies. */
bool credential_wants_cookies(const struct exchange *e, bool form);

/* The refresh cookie, when the mode has one beside the access cookie.  *token
 * is empty unless the answer is CREDENTIAL_COOKIE. */
enum credential_answer credential_find_refresh(const struct exchange *e,
					       struct str *token);

/* Bytes of an access token that a browser keeps in its cookie (RFC 6265bis:
 * 4096 with the name), and what to say of a longer one. */
size_t credential_cookie_room(const struct exchange *e);
extern const char credential_too_large[];

/* The token answer (RFC 6749 section 5.1, and `user`), with the tokens
 * themselves or without; NULL when out of memory. */
json_t *credential_json(const struct identity *who, const struct credentials *c,
			bool tokens);

/* Are tokens handed over in the body, by auth.deliver? */
bool credential_wants_body(const struct exchange *e);

/* {"name":...,"roles":[...],...} */
json_t *credential_identity_json(const struct identity *who);

/* Ends what a token stands for, and audits it as `event` when there was
 * something to end. */
int credential_end(struct exchange *e, struct str token, const char *event,
		   struct err *err) MUST_USE;

/* Deletes the cookies that a login sets. */
void credential_clear_cookies(struct exchange *e);

#endif
