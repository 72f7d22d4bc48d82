/* SPDX-License-Identifier: MIT */
/*
 * Cookies of another mode, which a browser has from before [auth] mode was
 * changed.  They have no meaning now, but become valid again when the mode is
 * changed back.  Therefore a sign-out ends their sessions, too.
 */
#ifndef AUTH_LEFT_OVER_H
#define AUTH_LEFT_OVER_H

#include "auth/exchange.h"

/* Returns true when the request has such a cookie. */
bool left_over_is_here(struct exchange *e);

/* Ends the sessions that the cookies identify, if they are in the store. */
int left_over_end(struct exchange *e, struct err *err) MUST_USE;

/* Deletes the cookies. */
void left_over_clear(struct exchange *e);

#endif
