/* SPDX-License-Identifier: MIT */
/*
 * The account page, for the user who is signed in: who they are, the
 * applications that they may open, where they are signed in, and the change of
 * their password. It needs no script.
 */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "auth/request_context.h"
#include "crypto/password_policy.h"

/* The path of the page, below server.path. */
#define ACCOUNT_PATH "/account"

/* Answers GET /account. */
void account_get(struct request_context *ctx);

/*
 * Answers POST /password: `current` and `new`. A form gets the account page
 * again, with the reason of a refusal; a program gets 204, 401
 * `invalid_credentials`, 409 `conflict`, 422 `password_refused`, or 403
 * `password_elsewhere` if the user source cannot change passwords. The other
 * sessions of the user end.
 */
void account_password_post(struct request_context *ctx);

/* What the page says about the last attempt to change the password. */
struct account_notice {
	const char *reason; /* key of a text; NULL: nothing is wrong */
	int64_t n; /* number in the text of the reason */
	bool wrong, refused; /* the current, or the new password is at fault */
	bool done; /* the password was changed */
};

/* Answers with the page; -1 when the store could not answer. */
int account_page(struct request_context *ctx, const struct principal *who,
		 unsigned status, const struct account_notice *notice,
		 struct err *err) MUST_USE;

#endif
