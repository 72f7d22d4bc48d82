/* SPDX-License-Identifier: MIT */
/* Signing in and out: the pages, and the requests that they send. */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "auth/request_context.h"

/* The largest length in bytes of an address that the service redirects to:
 * nginx accepts request lines of up to 8 KiB. */
#define LOGIN_LOCATION_MAX 8000

/*
 * Builds the address of the login page that returns to `uri`, a path of this
 * host with its query. The address is a path of this service, or an absolute
 * URL when one host signs in for several (server.login_url). It may be longer
 * than LOGIN_LOCATION_MAX.
 */
int login_location(const struct request_context *ctx, struct str uri,
		   struct str *location, struct err *err) MUST_USE;

/* Returns the address of the login page on this host, with this query, such as
 * "step=1", that returns to `rd`; both may be empty. */
struct str login_again(struct request_context *ctx, struct str query,
		       struct str rd);

/* Computes the token of a form for a visitor who is not signed in. The token
 * is bound to a cookie of its own, which the answer sets if the browser has
 * none. login_csrf_verify() sets *ok to whether the token is the right one;
 * login_csrf_problem() logs why it may not be, and returns the key of the text
 * to show. */
int login_csrf(struct request_context *ctx, struct str *csrf,
	       struct err *err) MUST_USE;
int login_csrf_verify(struct request_context *ctx, struct str csrf, bool *ok,
		      struct err *err) MUST_USE;
const char *login_csrf_problem(struct request_context *ctx) MUST_USE;

void login_get(struct request_context *ctx);
void login_post(struct request_context *ctx);

void logout_get(struct request_context *ctx);
void logout_post(struct request_context *ctx);

#endif
