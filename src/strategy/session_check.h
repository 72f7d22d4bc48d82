/* SPDX-License-Identifier: MIT */
/* Checks whether a stored record is a valid session; for the stores and
 * strategy/store.c. */
#ifndef STRATEGY_SESSION_CHECK_H
#define STRATEGY_SESSION_CHECK_H

#include "strategy/session_store.h"

/* No valid text of a session is longer; a store need not read more of one. */
#define SESSION_TEXT_MAX 1024

/*
 * Sets s->damage, unless it is set already, to the name of the first invalid
 * field: a time before 1970, or a text that is too long or has characters that
 * are not allowed. A damaged session keeps its id and times; its texts become
 * empty.
 */
void session_check(struct session *s);

/* Returns 0, or ERR_BUSY with the id and the field of a damaged session. */
int session_refuse_damaged(const struct session *s, struct err *err) MUST_USE;

#endif
