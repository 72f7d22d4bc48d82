/* SPDX-License-Identifier: MIT */
/* Refreshing a sign-in (RFC 6749 section 6), and the public keys of tokens. */
#ifndef AUTH_REFRESH_H
#define AUTH_REFRESH_H

#include "auth/request_context.h"

/* Answers POST /refresh. */
void refresh_post(struct request_context *ctx);

/* Returns true when the mode has a refresh token besides its access token. In
 * the other modes, refresh() takes the access token. */
bool refresh_has_own_token(const struct request_context *ctx);

/*
 * Uses a refresh token, and audits a reused one and one from the future.
 * as_cookie: the new access token must fit into a cookie.
 */
int refresh_token(struct request_context *ctx, struct str token, bool as_cookie,
		  struct refresh_result *out, struct err *err) MUST_USE;

/*
 * Handles a navigation to the login page by a browser that has a refresh
 * cookie: uses the token and redirects to `rd` with new cookies. *done: the
 * answer is complete; otherwise the form is to be shown. In that case *problem
 * is the key of a text for the person, for example that the browser did not
 * keep the cookies it just got; NULL: none.
 */
void refresh_navigation(struct request_context *ctx, struct str rd, bool *done,
			const char **problem);

/* Answers GET /jwks.json. */
void jwks_get(struct request_context *ctx);

#endif
