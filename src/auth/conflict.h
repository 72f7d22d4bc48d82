/* SPDX-License-Identifier: MIT */
/*
 * Two cookies with the same name, one of those that this service sets, and
 * different values: another application sets one, or cookie.domain was changed.
 * The service cannot tell which one it has set, so neither is accepted; but the
 * visitor must still be able to sign in.
 */
#ifndef AUTH_CONFLICT_H
#define AUTH_CONFLICT_H

#include "auth/request_context.h"

/* Returns true when there is a conflict of any of our cookies. */
bool conflict_is_there(const struct request_context *ctx);

/* Returns true when the conflict is of cookies that identify a user; the cookie
 * of the login form does not. */
bool conflict_of_sessions(const struct request_context *ctx);

/* Deletes the cookies in conflict for every domain and path for which this host
 * may have set them, and logs how to resolve the conflict. Must be called
 * before another of our cookies is set. */
void conflict_clear(struct request_context *ctx);

/* Does the same for the cookie of the login form only, before a new one is
 * set. */
void conflict_clear_login(struct request_context *ctx);

/* Ends all sessions and tokens that the cookies identify, like a sign-out. */
int conflict_end(struct request_context *ctx, struct err *err) MUST_USE;

#endif
