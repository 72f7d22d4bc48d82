/* SPDX-License-Identifier: MIT */
/*
 * Requests that need a recent sign-in: the user must have given the password
 * at most FRESH_SECONDS ago, in the session that the request belongs to. To
 * give it again is a new sign-in, which replaces the session by another one.
 */
#ifndef AUTH_FRESH_H
#define AUTH_FRESH_H

#include "auth/request_context.h"

#define FRESH_SECONDS 600

/* Returns whether the sign-in is recent. One of an unknown time is not. */
bool fresh_is(const struct request_context *ctx, const struct principal *who);

/*
 * Answers that a recent sign-in is needed. A program gets 401
 * `insufficient_user_authentication` (RFC 9470), and posts to the login page
 * again. A form is redirected to the login page with `step=1`, which asks only
 * for the password and returns to `rd`, a path of this host.
 */
void fresh_demand(struct request_context *ctx, struct str rd);

#endif
