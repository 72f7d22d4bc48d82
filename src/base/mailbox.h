/* SPDX-License-Identifier: MIT */
/* E-mail addresses to which mail can be sent. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include "base/base.h"

#define MAILBOX_MAX 254 /* bytes of an address (RFC 5321, 4.5.3.1.3) */

struct mailbox {
	struct str name; /* of the person or service; may be empty */
	struct str address;
};

/*
 * Returns true for `local@domain` in ASCII, of at most MAILBOX_MAX bytes: words
 * with dots between them (dot-atom of RFC 5322), and a host name. Quoted words,
 * comments, address literals and the characters ! % / ` | are refused, so that
 * no accepted address can end a header, name a second recipient, or mean
 * anything else than a mailbox to a mail program.
 */
bool mailbox_is_address(struct str s) MUST_USE;

/* Parses `Name <local@domain>` or `local@domain`; the name is plain text. *out
 * borrows from s and is untouched on false. */
bool mailbox_parse(struct str s, struct mailbox *out) MUST_USE;

#endif
