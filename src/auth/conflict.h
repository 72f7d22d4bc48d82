/* SPDX-License-Identifier: MIT */
/*
 * Two cookies of one of our names with different values: another application
 * sets one, or cookie.domain was changed.  Which of them is ours cannot be
 * told, so neither counts; but a person must not be kept out by that.
 */
#ifndef AUTH_CONFLICT_H
#define AUTH_CONFLICT_H

#include "auth/exchange.h"

bool conflict_is_there(const struct exchange *e);

/* Is it one of those that say who it is?  That of the login form does not. */
bool conflict_of_sessions(const struct exchange *e);

/* What the login page says of it. */
extern const char conflict_problem[];

/* Deletes the cookies that are in conflict wherever they may have been set from
 * here, and logs what mends it.  Before another of our cookies is set. */
void conflict_clear(struct exchange *e);

/* The same for that of the login form alone, which a new one is to replace. */
void conflict_clear_login(struct exchange *e);

/* Ends all that they stand for, as a sign-out. */
int conflict_end(struct exchange *e, struct err *err) MUST_USE;

#endif
