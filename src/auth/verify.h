/* SPDX-License-Identifier: MIT */
/* The check: whether a request is allowed, and the identity of its user. */
#ifndef AUTH_VERIFY_H
#define AUTH_VERIFY_H

#include "auth/request_context.h"

/* Answers AUTH_ACTION=verify, and requests of the role AUTHORIZER. */
void verify_answer(struct request_context *ctx);

/* Answers AUTH_ACTION=challenge: what a client sees after its check was
 * refused. */
void verify_challenge(struct request_context *ctx);

#endif
