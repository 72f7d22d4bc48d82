/* SPDX-License-Identifier: MIT */
/* The form of a sign-in: what was sent, and the page that shows it again. */
#ifndef AUTH_LOGIN_FORM_H
#define AUTH_LOGIN_FORM_H

#include "auth/request_context.h"

struct login_form {
	struct str username, password, csrf;
	struct str rd; /* a safe return URL, or empty */
	bool remember;
	bool form; /* posted by one of our pages, not by a program */
	/* It goes on at another address than that of the login page. */
	bool resumed;
	const char *done; /* key of a text about what a link has done */
	bool step; /* a user who is signed in proves again who they are */
};

/* Returns `rd`, or an empty string when it is not a permitted return URL. */
struct str login_form_target(const struct request_context *ctx, struct str rd);

/* Redirects to a safe return URL; if it is empty, to the account page. */
void login_form_go(struct request_context *ctx, struct str rd);

/* Returns whether a user may ask to stay signed in. */
bool login_form_offers_remember(const struct request_context *ctx);

/* Answers with the login page: with the input of the last attempt, and a token
 * for the next one. `problem` is the key of a text. */
void login_form_show(struct request_context *ctx, unsigned status,
		     const struct login_form *form, const char *problem);

struct login_refusal {
	unsigned status;
	const char *code, *text; /* for a program */
	const char *problem; /* key of a text: for a person */
};

/* Refuses a sign-in: with JSON for a program, with the login page for a form.
 * If it is resumed, the form leads to the login page, which asks to begin
 * again. */
void login_form_refuse(struct request_context *ctx,
		       const struct login_form *form,
		       const struct login_refusal *r);

/* Refuses it for so many seconds, because of too many failures. */
void login_form_refuse_banned(struct request_context *ctx,
			      const struct login_form *form, int64_t seconds);

/* Refuses it because the name or the password is wrong. */
void login_form_refuse_wrong(struct request_context *ctx,
			     const struct login_form *form);

#endif
