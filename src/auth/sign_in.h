/* SPDX-License-Identifier: MIT */
/* From a user who has proved who they are to the answer. No other file makes
 * sessions. */
#ifndef AUTH_SIGN_IN_H
#define AUTH_SIGN_IN_H

#include "auth/login_form.h"

/* Answers a sign-in whose password was right, for the user as they were read
 * before it was verified. Decides what comes next: a session, or a step that is
 * missing. */
void sign_in_proved(struct request_context *ctx, const struct login_form *form,
		    struct user *user);

#endif
