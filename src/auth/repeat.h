/* SPDX-License-Identifier: MIT */
/*
 * A form that was posted after the access token had ended (mode refresh).  The
 * refresh cookie is seen below the service's own path only, so the challenge
 * sends the browser there by a 307, with the form; there it is renewed and sent
 * back by another.  The form's body is never looked at.  Wherever this cannot
 * be, a page says how to send the form again by hand.
 */
#ifndef AUTH_REPEAT_H
#define AUTH_REPEAT_H

#include "auth/exchange.h"

/* Below server.path.  Web servers that would read the body first ask for it as
 * of an authorizer, and pass on the denial, which every answer is. */
#define REPEAT_PATH "/repeat"

/* Answers a person's form that came without a valid credential. */
void repeat_challenge(struct exchange *e);

/* POST /repeat?rd=PATH. */
void repeat_post(struct exchange *e);

#endif
