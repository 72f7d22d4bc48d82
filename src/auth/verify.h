/* SPDX-License-Identifier: MIT */
/* The check: may this request pass, and as whom? */
#ifndef AUTH_VERIFY_H
#define AUTH_VERIFY_H

#include "auth/exchange.h"

/* AUTH_ACTION=verify, and the role AUTHORIZER. */
void verify_answer(struct exchange *e);

/* AUTH_ACTION=challenge: what who was refused should see. */
void verify_challenge(struct exchange *e);

#endif
