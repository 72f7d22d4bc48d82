/* SPDX-License-Identifier: MIT */
/*
 * The audit log, lines of class `audit`: which user did what, and from which
 * address. Each event but those of audit_bounded() is also counted
 * (auth/metrics.h). A line never contains a password, token, hash or cookie.
 */
#ifndef AUTH_AUDIT_H
#define AUTH_AUDIT_H

#include "auth/request_context.h"

/*
 * Writes a line. `event` and `why` are constant words; `why` may include the
 * message of a user source, and is NULL when there is nothing to add. `user`
 * is a claimed or a proven name; `session` is NULL when there is none.
 */
void audit(const struct request_context *ctx, const char *event,
	   struct str user, const struct session_id *session, const char *why);

/* Writes a line about a user who was made, with their roles. */
void audit_added(const struct request_context *ctx, const struct identity *who,
		 const char *why);

/* Writes one line for `ended` sessions that were ended at once, and none for 0.
 * `why` may be NULL. */
void audit_ended(const struct request_context *ctx, const char *event,
		 struct str user, int64_t ended, const char *why);

/* Works like audit(), for an event that any client can cause as often as it
 * likes: writes at most one line in a second, which says how many were left
 * out. */
void audit_bounded(const struct request_context *ctx, struct log_limit *limit,
		   const char *event, struct str user, const char *why);

#endif
