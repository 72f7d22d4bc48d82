/* SPDX-License-Identifier: MIT */
/* Notices by mail: tell a user what happened to their account, so that they
 * learn of it when it was not them. */
#ifndef AUTH_NOTICE_H
#define AUTH_NOTICE_H

#include "auth/request_context.h"

/* Tells the user that their password was changed, if there is [mail] and the
 * user has an address. A failure is logged, and has no other effect. */
void notice_password_changed(struct request_context *ctx,
			     const struct identity *who);

#endif
