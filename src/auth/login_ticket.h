/* SPDX-License-Identifier: MIT */
/*
 * Tickets: what a sign-in gets whose password was right and that is not
 * complete. A ticket is a one-time secret of the factor store, and no
 * credential: no check, page or request takes it for a session. It is valid for
 * five minutes, for one success, in the browser that it was given to (by the
 * pre-session cookie; a program that sent no such cookie has the ticket alone),
 * and as long as the password stays the one that was right.
 */
#ifndef AUTH_LOGIN_TICKET_H
#define AUTH_LOGIN_TICKET_H

#include "auth/request_context.h"

struct login_ticket {
	struct one_time secret; /* as the factor store has it */
	struct user user; /* as they are now */
	bool remember; /* the user asked to stay signed in */
};

/* Makes a ticket for a user as they were read before their password was
 * verified. There must be a factor store. */
int login_ticket_make(struct request_context *ctx, const struct user *user,
		      bool remember, struct str *text,
		      struct err *err) MUST_USE;

/* Finds the ticket of this browser. *valid is false if there is none, or if the
 * user has been removed, disabled or given another password since. */
int login_ticket_find(struct request_context *ctx, struct str text,
		      struct login_ticket *out, bool *valid,
		      struct err *err) MUST_USE;

/* Uses the ticket up: *taken is true for one request only. */
int login_ticket_take(struct request_context *ctx,
		      const struct login_ticket *ticket, bool *taken,
		      struct err *err) MUST_USE;

/* Makes the ticket valid again: what it was taken for failed. */
void login_ticket_put_back(struct request_context *ctx,
			   const struct login_ticket *ticket);

#endif
