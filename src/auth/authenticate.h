/* SPDX-License-Identifier: MIT */
/*
 * Name and password against the user source: regulated, in a hash slot, and
 * of the same cost and answer whatever was wrong.
 */
#ifndef AUTH_AUTHENTICATE_H
#define AUTH_AUTHENTICATE_H

#include "auth/request_context.h"

enum login_answer {
	LOGIN_WRONG = 0, /* name, password, disabled: nobody learns which */
	LOGIN_RIGHT,
	LOGIN_BANNED, /* too many failures before */
	LOGIN_BUSY, /* too many sign-ins at once */
	LOGIN_QUEUED, /* it waits for a slot: ctx->queued is set */
};

struct login_result {
	enum login_answer answer;
	struct user user; /* with LOGIN_RIGHT */
	/* With LOGIN_RIGHT: they have not signed in from this network before,
	 * or too long ago. */
	bool new_network;
	int64_t retry_after; /* seconds, with LOGIN_BANNED and LOGIN_BUSY */
};

/* Audits every failure. */
int authenticate_password(struct request_context *ctx, struct str name,
			  struct str password, struct login_result *out,
			  struct err *err) MUST_USE;

/*
 * Called when the session exists: has the user meanwhile been disabled, removed
 * or given another password?  An administrator changes the user first and ends
 * the sessions then, so one of the two sees the change of the other. Another
 * hash of the same password is not another password: if this process made it,
 * that is known; otherwise the password is verified with it, in a hash slot.
 * With *still, *user and the sessions are updated until the stored user equals
 * the one that the sessions have.
 */
int authenticate_confirm(struct request_context *ctx, struct user *user,
			 struct str password, bool *still,
			 struct err *err) MUST_USE;

/* A better hash while the password is at hand; failing at it is no matter.
 * Sessions of the user go on (strategy/password_mark.h). */
void authenticate_rehash(struct request_context *ctx, const struct user *user,
			 struct str password);

#endif
