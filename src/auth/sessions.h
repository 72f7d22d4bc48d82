/* SPDX-License-Identifier: MIT */
/* The sessions of the user who is signed in: their list, and their end. */
#ifndef AUTH_SESSIONS_H
#define AUTH_SESSIONS_H

#include "auth/request_context.h"

/* So many fit into an answer. */
#define SESSIONS_LISTED_MAX 64

/* Returns whether the mode keeps sessions that can be listed. */
bool sessions_are_kept(const struct request_context *ctx);

/* Lists the live sessions of a user that are older than the session `before`
 * (NULL: all), the newest first, at most SESSIONS_LISTED_MAX; *more says
 * whether there are older ones. */
int sessions_list(struct request_context *ctx, const struct principal *who,
		  const struct session_id *before, struct session_list *out,
		  bool *more, struct err *err) MUST_USE;

/* Returns whether it is the session of the request. */
bool sessions_is_own(const struct principal *who, const struct session_id *id);

void sessions_get(struct request_context *ctx);
void sessions_delete(struct request_context *ctx);
void sessions_delete_one(struct request_context *ctx);
/* For forms. */
void sessions_end_post(struct request_context *ctx);
void sessions_end_one_post(struct request_context *ctx);

#endif
