/* SPDX-License-Identifier: MIT */
/* Composes a message (RFC 5322) of the service to one person. */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "base/base.h"
#include "base/mailbox.h"

struct arena;
struct env;
struct err;

#define MAIL_SUBJECT_MAX 200
#define MAIL_TEXT_MAX	 (64 * 1024)

struct mail_message {
	struct mailbox from;
	struct str to; /* an address */
	/* A text of the service, never one of a user: plain UTF-8 in one
	 * line. */
	struct str subject;
	struct str text; /* plain UTF-8; a newline ends each line */
};

/*
 * Composes the message with the present time, a random Message-ID and
 * Auto-Submitted, so that no automatic reply comes back. Each line ends with
 * CR LF and has at most 998 bytes. An address that mailbox_is_address()
 * refuses, a control character and a text that is not UTF-8 are ERR_INPUT:
 * such a message can never be sent.
 */
int message_compose(const struct mail_message *m, const struct env *env,
		    struct arena *a, struct str *out, struct err *err) MUST_USE;

#endif
