/* SPDX-License-Identifier: MIT */
/* Composes mail to a user from the texts of the pages, and puts it into the
 * outbox. The subject is a text without values; all values stand in the text
 * below it. */
#ifndef AUTH_MAIL_TEXT_H
#define AUTH_MAIL_TEXT_H

#include "auth/request_context.h"
#include "pages/pages.h"

/* In place of a paragraph: the link, on a line of its own. */
#define MAIL_TEXT_LINK ""

struct mail_text {
	struct str user; /* a valid name */
	struct str to; /* mail_text_address() */
	const struct page_language *language; /* NULL: English */
	const char *kind; /* for the log */
	const char *subject; /* the key of a text */
	/* Keys of texts with {user} and {address}; at the end NULL. */
	const char *const *paragraphs;
	struct str link; /* may be empty */
	int64_t expires_ms; /* from then on it is not sent any more */
};

/*
 * Finds the address of a user: the one that they have proven, which is in the
 * factor store, or else the one in the user source, which is there because an
 * administrator wrote it. Empty if there is none that mail can be sent to.
 */
struct str mail_text_address(const struct account *account,
			     const struct identity *who);

int mail_text_queue(struct request_context *ctx, const struct mail_text *text,
		    struct err *err) MUST_USE;

#endif
