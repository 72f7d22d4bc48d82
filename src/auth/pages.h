/* SPDX-License-Identifier: MIT */
/*
 * Renders the pages of src/pages with the values of a request, in the language
 * that the person prefers. The pages load a style sheet, a script and an icon
 * from this service; the Content-Security-Policy allows nothing else.
 */
#ifndef AUTH_PAGES_H
#define AUTH_PAGES_H

#include "auth/request_context.h"
#include "http/html.h"
#include "pages/pages.h"

/* Marks the key of a text (src/pages/texts), or the place of several texts. A
 * test finds the keys by this mark. */
#define TEXT(key) (key)

/* Builds the Content-Security-Policy for all pages under these settings: forms
 * may lead to our own origins and to the hosts of redirect.allow. */
int page_csp(const struct settings *set, const struct sites *sites,
	     struct arena *a, struct str *out, struct err *err) MUST_USE;

/* Answers with a page. The values are found by their names
 * (template_names()); one that is missing is empty. */
void page_write(struct request_context *ctx, unsigned status, enum page page,
		const struct html_var *vars, size_t n);

/* Returns the digits of a number, as a value of a page. */
struct str page_number(struct request_context *ctx, int64_t n);

/* Answers GET for the files that the pages load. */
void page_style_get(struct request_context *ctx);
void page_script_get(struct request_context *ctx);
void page_icon_get(struct request_context *ctx);
void page_logo_get(struct request_context *ctx);

struct login_page {
	struct str csrf, rd;
	struct str username; /* input of the last attempt; initially empty */
	const char *problem; /* key of the text to show; initially NULL */
	const char *done; /* the same, for a success */
	bool invalid; /* the problem is the input */
	bool offer_remember, remember;
	/* Asks only for the password of this user, who is signed in. */
	bool step;
};

void page_login(struct request_context *ctx, unsigned status,
		const struct login_page *page);

struct forgot_page {
	struct str csrf, rd;
	const char *problem; /* key of the text to show, or NULL */
	bool by_email; /* the user source also finds e-mail addresses */
	bool sent; /* the request was taken */
};

void page_forgot(struct request_context *ctx, unsigned status,
		 const struct forgot_page *page);

/* The page with the button to sign out. */
void page_logout(struct request_context *ctx, struct str csrf, struct str name);

/* The page that says that nobody is signed in. */
void page_signed_out(struct request_context *ctx);

/* A 401 for a person, when the address is too long for a redirect to return to
 * it. */
void page_too_long(struct request_context *ctx);

/* A 401 for a person whose form did not reach the application: explains what
 * happened, and how to send the form again without retyping it. */
void page_unsent(struct request_context *ctx);

/* A 200 that redirects to `uri`, an address of this service, by a Refresh
 * header. */
void page_continue(struct request_context *ctx, struct str uri);

/* A refusal: what happened, what to do, and what to quote. */
struct page_refusal {
	unsigned status;
	/* The texts are PLACE.title, PLACE.happened and PLACE.do; NULL: those
	 * of the status. */
	const char *place;
	const char *lead; /* key of a text before `happened`; NULL: none */
	struct str n; /* digits of a number in the texts; may be empty */
	struct str origin; /* {origin} in the texts; may be empty */
	struct str user; /* who is signed in; may be empty */
	struct str rd; /* where a new sign-in leads to; may be empty */
};

void page_refuse(struct request_context *ctx, const struct page_refusal *r);

/* A 403 for a person: shows who is signed in and how to sign out. `elsewhere`:
 * the request was refused by something other than this service. */
void page_forbidden(struct request_context *ctx, const struct identity *who,
		    bool elsewhere);

/* A 429 for a person who is banned for so many seconds. */
void page_banned(struct request_context *ctx, int64_t seconds, struct str rd);

/* A 503 for a person, when too many passwords are being verified. */
void page_busy(struct request_context *ctx, struct str rd);

#endif
