/* SPDX-License-Identifier: MIT */
/*
 * Reports refused checks: in a line of the log ([server] log_refusals), and,
 * for the access log of a web server that asks by AUTH_ACTION=verify, in the
 * headers Auth-Reason and Auth-User of the answer.
 */
#ifndef AUTH_REFUSALS_H
#define AUTH_REFUSALS_H

#include "auth/request_context.h"

struct refusal {
	unsigned status; /* 401 or 403 */
	const char *reason; /* short text: "rule", "not signed in" */
	struct str rule; /* name of the rule that decided; may be empty */
	struct str user; /* name of the signed-in user; may be empty */
	const char *detail; /* additional text for the log; NULL: none */
};

/*
 * Reports that a check is refused; the caller makes the answer. A challenge
 * follows a check that was reported already, so it is not reported again.
 */
void refusal_note(struct request_context *ctx, const struct refusal *r);

#endif
