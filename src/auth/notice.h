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

/* Tells the user the same for fcgiauthctl, which has no request; `c` has the
 * factor store. */
int notice_changed_by_admin(const struct settings *set, const struct call *c,
			    const struct identity *who,
			    struct err *err) MUST_USE;

/*
 * Tells a user that they have signed in from a network where they had not
 * signed in before, likewise, if they or [account] notify_login ask for it. The
 * network must be known by now. The first sign-in of a user is not told.
 */
void notice_new_network(struct request_context *ctx,
			const struct identity *who);

#endif
