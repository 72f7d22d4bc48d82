/* SPDX-License-Identifier: MIT */
/*
 * The pages of src/pages with the values of a request: server-rendered, no
 * script, one embedded style sheet that the Content-Security-Policy names by
 * its hash.
 */
#ifndef AUTH_PAGES_H
#define AUTH_PAGES_H

#include "auth/exchange.h"

/* The policy for all pages of these settings: forms may lead to our own
 * origins and to the hosts of redirect.allow. */
int page_csp(const struct settings *set, const struct sites *sites,
	     struct arena *a, struct str *out, struct err *err) MUST_USE;

struct login_page {
	struct str csrf, rd;
	struct str username; /* what was typed before; empty at first */
	const char *problem; /* NULL at first */
	bool offer_remember, remember;
};

void page_login(struct exchange *e, unsigned status,
		const struct login_page *page);

/* A button to sign out. */
void page_logout(struct exchange *e, struct str csrf, struct str name);

/* Nobody is signed in. */
void page_signed_out(struct exchange *e);

/* A 403 for a person: who they are, and a way to sign out.  `elsewhere`: it was
 * not this service that refused. */
void page_forbidden(struct exchange *e, const struct identity *who,
		    bool elsewhere);

/* A 401 for a person whose address is too long to come back to after a
 * redirect. */
void page_too_long(struct exchange *e);

/* A 401 for a person whose form did not reach the application: what happened,
 * and how to send it again without typing it anew. */
void page_unsent(struct exchange *e);

/* A 200 that leads on to `uri`, of our own, by itself. */
void page_continue(struct exchange *e, struct str uri);

/* One sentence. */
void page_message(struct exchange *e, unsigned status, const char *text);

#endif
