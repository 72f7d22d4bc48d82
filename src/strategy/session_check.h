/* SPDX-License-Identifier: MIT */
/* Is what a store holds a session at all?  For the stores and strategy/store.c. */
#ifndef STRATEGY_SESSION_CHECK_H
#define STRATEGY_SESSION_CHECK_H

#include "strategy/session_store.h"

/* No text of a session is longer: more of one need not be read. */
#define SESSION_TEXT_MAX 1024

/*
 * Sets s->damage, unless it is set, to the field that no session of ours has:
 * a time before 1970, a text that is too long or has what it may not have.  A
 * damaged one keeps its id and times, and has no texts.
 */
void session_check(struct session *s);

/* 0, or ERR_BUSY with the id and the field of one that is damaged. */
int session_refuse_damaged(const struct session *s, struct err *err) MUST_USE;

#endif
