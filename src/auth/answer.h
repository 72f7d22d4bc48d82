/* SPDX-License-Identifier: MIT */
/* The few shapes of an answer. */
#ifndef AUTH_ANSWER_H
#define AUTH_ANSWER_H

#include "auth/request_context.h"

#include <jansson.h>

/* Answers with a status and no body. */
void answer_status(struct request_context *ctx, unsigned status);

/* Answers with JSON of the media type `type`; takes over the reference like
 * answer_json(). */
void answer_json_as(struct request_context *ctx, unsigned status,
		    struct str type, json_t *body);

/* Answers with JSON; takes over the reference. NULL (out of memory) results in
 * a 500. */
void answer_json(struct request_context *ctx, unsigned status, json_t *body);

/* Answers {"error":CODE,"error_description":TEXT}; both are constants of the
 * code, never input. */
void answer_error(struct request_context *ctx, unsigned status,
		  const char *code, const char *text);

/* Answers like answer_error() to programs, and to persons with the page of this
 * status (page_refuse()). */
void answer_refusal(struct request_context *ctx, unsigned status,
		    const char *code, const char *text);

struct page_refusal;

/* Does the same with a page of its own. */
void answer_refusal_page(struct request_context *ctx, const char *code,
			 const char *text, const struct page_refusal *page);

/* Answers a program that is not signed in: 401 with WWW-Authenticate. */
void answer_sign_in_first(struct request_context *ctx);

/* Returns true for a form of our pages, which is answered by a redirect. */
bool answer_is_for_form(const struct request_context *ctx);

/* Answer a program whose sign-in is refused: 429 during a ban, with the time to
 * wait in the message, and 503 when too many passwords are being verified. The
 * caller adds Retry-After. */
void answer_banned(struct request_context *ctx, int64_t seconds);
void answer_busy(struct request_context *ctx);

/* Redirects; `status` is 302, 303 or 307. */
void answer_redirect(struct request_context *ctx, unsigned status,
		     struct str location);

/* Logs that a store or another backend did not answer. At most 20 lines are
 * written in a second; the next line says how many were left out. */
void answer_log_unavailable(const struct request_context *ctx,
			    const char *event, const struct err *err);

/* Answers 503 with Retry-After, as the result could not be determined, and logs
 * err. All headers set so far are dropped, so no cookie is changed. */
void answer_unavailable(struct request_context *ctx, const struct err *err);

/* Answers that the input could not be read: 400 with this text, or 503 when err
 * is not a fault of the client. */
void answer_unread(struct request_context *ctx, const struct err *err,
		   const char *text);

void answer_retry_after(struct request_context *ctx, int64_t seconds);

#endif
