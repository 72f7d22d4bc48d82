/* SPDX-License-Identifier: MIT */
/*
 * Cookies of another mode, which a browser has from before [auth] mode was
 * changed. They have no meaning now, but become valid again when the mode is
 * changed back. Therefore a sign-out ends their sessions, too.
 */
#ifndef AUTH_LEFT_OVER_H
#define AUTH_LEFT_OVER_H

#include "auth/request_context.h"

/* Returns true when the request has such a cookie. */
bool left_over_is_here(struct request_context *ctx);

/* Ends the sessions that the cookies identify, if they are in the store. */
int left_over_end(struct request_context *ctx, struct err *err) MUST_USE;

/* Deletes the cookies. */
void left_over_clear(struct request_context *ctx);

#endif
