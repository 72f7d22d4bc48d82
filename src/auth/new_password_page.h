/* SPDX-License-Identifier: MIT */
/* The page on which a person chooses a new password: with a link, or to
 * complete a sign-in. */
#ifndef AUTH_NEW_PASSWORD_PAGE_H
#define AUTH_NEW_PASSWORD_PAGE_H

#include "auth/new_password.h"

enum new_password_place {
	PLACE_RESET, /* a link for a new password */
	PLACE_INVITE, /* a link that makes a user */
	PLACE_MUST_CHANGE, /* a sign-in of a user who must change it */
};

struct new_password_page {
	enum new_password_place place;
	struct identity who; /* the name is empty if the person chooses it */
	struct str username; /* what was typed as the name */
	struct str ticket, rd; /* of a sign-in, otherwise empty */
	/* Key of the text about what was wrong; NULL: nothing yet. */
	const char *problem;
	int64_t n; /* of the problem */
	bool bad_name; /* the problem is the name, not the password */
};

/* Returns the key of the text about a refused password, and its {n}. */
const char *new_password_reason(const struct password_verdict *verdict,
				int64_t *n);

/* Answers with the page, and a token for its form (login_csrf()). */
void new_password_show(struct request_context *ctx, unsigned status,
		       const struct new_password_page *page);

/*
 * Answers with any result of the first half but NEW_PASSWORD_HASHED: the page
 * again, or JSON for a program. Nothing was changed, and the link or the ticket
 * is still valid.
 */
void new_password_refuse(struct request_context *ctx,
			 struct new_password_page *page,
			 const struct new_password_result *result);

/* Answers that the password was given twice, and differently. */
void new_password_differs(struct request_context *ctx,
			  struct new_password_page *page);

#endif
