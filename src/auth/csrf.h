/* SPDX-License-Identifier: MIT */
/*
 * Is a state-changing request our own user's doing?  Three questions, in this
 * order: is its Origin ours, is its kind one that a foreign page cannot send
 * unasked, and, for forms, does its token belong to the cookie it came with.
 * (OWASP CSRF Prevention Cheat Sheet: signed double submit cookie.)
 */
#ifndef AUTH_CSRF_H
#define AUTH_CSRF_H

#include "auth/exchange.h"

#define CSRF_TOKEN_CHARS 43

/* The key behind the tokens; all instances on one store share it. */
struct csrf_key;

/* Asks the store when first used.  NULL: out of memory. */
struct csrf_key *csrf_key_new(void) MUST_USE;
void csrf_key_free(void *key);

/*
 * An Origin is ours: one that server.hosts names for this host, and where it
 * names none, scheme and host of this request and its port (HTTP_HOST's or
 * SERVER_PORT; any when the browser itself says same-origin); the origin of
 * server.login_url; or one of cors.origins.  Another host of server.hosts is
 * another site.  `null` is nobody's.
 *
 * csrf_page_is_ours(): the browser itself says that a page of ours sent this,
 * by Sec-Fetch-Site or by an Origin.
 */
bool csrf_page_is_ours(const struct exchange *e);

/*
 * Refusals, 403 `csrf`: a page to a person, JSON to a program, and a line
 * in the log, five a second at the most, that says what mends it.
 *
 * csrf_refuse_origin() does so when there is an Origin that is not ours, and
 * says whether it did: browsers send one with every POST.  csrf_refuse_form()
 * is for a form whose token is wrong.  csrf_login_problem() logs the same for
 * the login form, which is shown once more, and is the sentence for it;
 * `has_cookie`: the pre-session came along.
 */
bool csrf_refuse_origin(struct exchange *e) MUST_USE;
void csrf_refuse_form(struct exchange *e);
const char *csrf_login_problem(struct exchange *e, bool has_cookie) MUST_USE;

/*
 * The token for a form of whoever holds the cookie value `binding`.
 */
int csrf_token(struct exchange *e, struct str binding, struct str *token,
	       struct err *err) MUST_USE;

/* *ok: `token` is the one for `binding`. */
int csrf_verify(struct exchange *e, struct str binding, struct str token,
		bool *ok, struct err *err) MUST_USE;

#endif
