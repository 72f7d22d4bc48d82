/* SPDX-License-Identifier: MIT */
/*
 * What is refused is seen: a line in the log ([server] log_refusals), and, for
 * the access log of a web server that asks by AUTH_ACTION=verify, the headers
 * Auth-Reason and Auth-User of the answer.
 */
#ifndef AUTH_REFUSALS_H
#define AUTH_REFUSALS_H

#include "auth/exchange.h"

struct refusal {
	unsigned status; /* 401 or 403 */
	const char *reason; /* a few words: "rule", "not signed in" */
	struct str rule; /* the name of the one that decided; may be empty */
	struct str user; /* who is signed in; may be empty */
	const char *detail; /* more for the log; NULL: none */
};

/*
 * Notes that a check is refused; the answer itself is the caller's.  A
 * challenge is about a check that was noted before, so it is not noted again.
 */
void refusal_note(struct exchange *e, const struct refusal *r);

#endif
