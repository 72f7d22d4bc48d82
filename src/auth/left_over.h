/* SPDX-License-Identifier: MIT */
/*
 * Cookies that a browser has of another mode, from before [auth] mode was
 * changed.  They mean nothing now, but would again when it is changed back: so
 * who signs out signs out of them, too.
 */
#ifndef AUTH_LEFT_OVER_H
#define AUTH_LEFT_OVER_H

#include "auth/exchange.h"

/* Did one come along? */
bool left_over_is_here(struct exchange *e);

/* Ends the sessions that they name, as far as the store has them. */
int left_over_end(struct exchange *e, struct err *err) MUST_USE;

/* Deletes them. */
void left_over_clear(struct exchange *e);

#endif
