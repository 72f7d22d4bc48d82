/* SPDX-License-Identifier: MIT */
/*
 * The change of a password that an administrator has demanded (`fcgiauthctl
 * user set --must-change`): a sign-in leads to a form for a new password, and
 * only that leads to a session.
 */
#ifndef AUTH_MUST_CHANGE_H
#define AUTH_MUST_CHANGE_H

#include "auth/login_form.h"

/* Sets *due to whether this user must change their password. */
int must_change_is_due(struct request_context *ctx, const struct user *user,
		       bool *due, struct err *err) MUST_USE;

/* Answers a sign-in whose password was right: with a ticket, in the form for a
 * new password or in JSON; or with where the password can be changed if it
 * cannot be here. No session is made, and none ends. */
void must_change_ask(struct request_context *ctx, const struct login_form *form,
		     const struct user *user);

/*
 * Answers POST /login/password: a ticket and a new password. The answer is that
 * of a sign-in. With a refused password the ticket stays valid; it bounds the
 * attempts by its five minutes and not by their number, because they disclose
 * nothing, and each waits for a hash slot like a sign-in.
 */
void must_change_post(struct request_context *ctx);

#endif
