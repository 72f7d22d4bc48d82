/* SPDX-License-Identifier: MIT */
/* The user of a session that is refreshed. */
#ifndef MODES_REFRESH_USER_H
#define MODES_REFRESH_USER_H

#include "strategy/auth_mode.h"

/*
 * Ends the session if its user was disabled or removed, or has got another
 * password, meanwhile: then *still is false. Otherwise *who is the current
 * identity of the user, and the sessions of the user have it, too: with
 * revocation = store, a check takes the identity from the session.
 */
int refresh_check_user(struct call *c, const struct session *s,
		       struct identity *who, bool *still,
		       struct err *err) MUST_USE;

#endif
