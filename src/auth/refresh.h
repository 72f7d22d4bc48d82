/* SPDX-License-Identifier: MIT */
/* Prolonging a login (RFC 6749 section 6), and the keys that tokens are signed
 * with. */
#ifndef AUTH_REFRESH_H
#define AUTH_REFRESH_H

#include "auth/exchange.h"

/* POST /refresh */
void refresh_post(struct exchange *e);

/* Has the mode a refresh token beside its access token?  Modes where they are
 * one take the access token to refresh(). */
bool refresh_has_own_token(const struct exchange *e);

/*
 * Uses a refresh token up, and audits what is alarming.  as_cookie: the access
 * token must fit into a cookie.
 */
int refresh_token(struct exchange *e, struct str token, bool as_cookie,
		  struct refresh_result *out, struct err *err) MUST_USE;

/*
 * A navigation that came to the login page with a refresh cookie of its own:
 * takes it and sends the browser back to `rd`, with new cookies.  *done: the
 * answer is there; else the form is to be shown.  *problem: what a person
 * should know then, as that it was here just now and its cookies were not
 * kept; NULL: nothing.
 */
void refresh_navigation(struct exchange *e, struct str rd, bool *done,
			const char **problem);

extern const char refresh_no_cookies[];

/* GET /jwks.json */
void jwks_get(struct exchange *e);

#endif
