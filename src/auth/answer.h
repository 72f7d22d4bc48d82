/* SPDX-License-Identifier: MIT */
/* The few shapes of an answer. */
#ifndef AUTH_ANSWER_H
#define AUTH_ANSWER_H

#include "auth/exchange.h"

#include <jansson.h>

/* A bare status, no body. */
void answer_status(struct exchange *e, unsigned status);

/* JSON of another media type; takes over the reference as answer_json(). */
void answer_json_as(struct exchange *e, unsigned status, struct str type,
		    json_t *body);

/* JSON; takes over the reference.  NULL (out of memory) becomes a 500. */
void answer_json(struct exchange *e, unsigned status, json_t *body);

/* {"error":CODE,"error_description":TEXT}; both constants of ours. */
void answer_error(struct exchange *e, unsigned status, const char *code,
		  const char *text);

/* As above to programs, a page with `text` to persons. */
void answer_refusal(struct exchange *e, unsigned status, const char *code,
		    const char *text);

/* `status` 302 or 303. */
void answer_redirect(struct exchange *e, unsigned status, struct str location);

/* Logs that a store or the like has not answered; at most 20 lines a second,
 * and the next one says how many were left out. */
void answer_log_unavailable(const struct exchange *e, const char *event,
			    const struct err *err);

/* 503 and Retry-After: could not tell.  Logs err; no cookie is touched, as
 * all headers so far are dropped. */
void answer_unavailable(struct exchange *e, const struct err *err);

/* What was sent could not be read: a refusal with 400 and this text, or 503
 * where that is no fault of whoever sent it. */
void answer_unread(struct exchange *e, const struct err *err, const char *text);

void answer_retry_after(struct exchange *e, int64_t seconds);

#endif
