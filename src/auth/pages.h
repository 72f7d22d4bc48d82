/* SPDX-License-Identifier: MIT */
/*
 * Renders the pages of src/pages with the values of a request. The pages have
 * no scripts, and one embedded style sheet, whose hash is in the
 * Content-Security-Policy.
 */
#ifndef AUTH_PAGES_H
#define AUTH_PAGES_H

#include "auth/request_context.h"

/* Builds the Content-Security-Policy for all pages under these settings: forms
 * may lead to our own origins and to the hosts of redirect.allow. */
int page_csp(const struct settings *set, const struct sites *sites,
	     struct arena *a, struct str *out, struct err *err) MUST_USE;

struct login_page {
	struct str csrf, rd;
	struct str username; /* input of the last attempt; initially empty */
	const char *problem; /* message to show; initially NULL */
	bool offer_remember, remember;
};

void page_login(struct request_context *ctx, unsigned status,
		const struct login_page *page);

/* The page with the button to sign out. */
void page_logout(struct request_context *ctx, struct str csrf, struct str name);

/* The page that says that nobody is signed in. */
void page_signed_out(struct request_context *ctx);

/* A 403 for a person: shows who is signed in and how to sign out. `elsewhere`:
 * the request was refused by something other than this service. */
void page_forbidden(struct request_context *ctx, const struct identity *who,
		    bool elsewhere);

/* A 401 for a person, when the address is too long for a redirect to return to
 * it. */
void page_too_long(struct request_context *ctx);

/* A 401 for a person whose form did not reach the application: explains what
 * happened, and how to send the form again without retyping it. */
void page_unsent(struct request_context *ctx);

/* A 200 that redirects to `uri`, an address of this service, by a Refresh
 * header. */
void page_continue(struct request_context *ctx, struct str uri);

/* A page with one sentence. */
void page_message(struct request_context *ctx, unsigned status,
		  const char *text);

#endif
