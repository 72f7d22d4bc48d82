/* SPDX-License-Identifier: MIT */
/* The kinds of answers. */
#include "auth/answer.h"

#include "auth/pages.h"
#include "base/log.h"

#define LINES_PER_SECOND 20

void
answer_status(struct exchange *e, unsigned status)
{
	e->out->status = status;
}

static int
append(const char *text, size_t n, void *ctx)
{
	struct buf *body = ctx;

	buf_add(body, (struct str){ .p = text, .n = n });
	return 0;
}

void
answer_json_as(struct exchange *e, unsigned status, struct str type,
	       json_t *body)
{
	int rc = body == NULL ? -1 :
				json_dump_callback(body, append, &e->out->body,
						   JSON_COMPACT);

	json_decref(body);
	if (rc != 0) {
		http_response_reset(e->out, 500);
		return;
	}
	e->out->status = status;
	http_response_header(e->out, "Content-Type", type);
}

void
answer_json(struct exchange *e, unsigned status, json_t *body)
{
	answer_json_as(e, status, STR("application/json; charset=utf-8"), body);
}

void
answer_error(struct exchange *e, unsigned status, const char *code,
	     const char *text)
{
	answer_json(e, status,
		    json_pack("{s:s, s:s}", "error", code, "error_description",
			      text));
}

void
answer_refusal(struct exchange *e, unsigned status, const char *code,
	       const char *text)
{
	if (http_request_is_navigation(e->in) &&
	    !http_request_wants_json(e->in))
		page_message(e, status, text);
	else
		answer_error(e, status, code, text);
}

void
answer_redirect(struct exchange *e, unsigned status, struct str location)
{
	e->out->status = status;
	http_response_header(e->out, "Location", location);
}

void
answer_retry_after(struct exchange *e, int64_t seconds)
{
	struct buf text;

	buf_init(&text, e->call.arena, 32);
	buf_printf(&text, "%lld", (long long)(seconds > 0 ? seconds : 1));
	if (buf_failed(&text))
		e->out->failed = true;
	http_response_header(e->out, "Retry-After", buf_str(&text));
}

/* The number of lines is limited: a client that owns a damaged session, or
 * sends requests while a store is down, could cause as many as it likes. */
void
answer_log_unavailable(const struct exchange *e, const char *event,
		       const struct err *err)
{
	int64_t left_out;

	if (!log_limit_take(&e->service->shared->log_limits->unavailable,
			    env_mono_ms(e->call.env), LINES_PER_SECOND,
			    &left_out))
		return;
	LOG(e->call.env->log, LOG_ERROR, event, F_CSTR("reason", err->msg),
	    F_INT(left_out > 0 ? "left_out" : NULL, left_out));
}

void
answer_unavailable(struct exchange *e, const struct err *err)
{
	answer_log_unavailable(e, "unavailable", err);
	http_response_reset(e->out, 503);
	answer_refusal(e, 503, "temporarily_unavailable",
		       "The service cannot answer at the moment. "
		       "Please try again shortly.");
	answer_retry_after(e, 1);
}

void
answer_unread(struct exchange *e, const struct err *err, const char *text)
{
	if (err->code == ERR_INPUT)
		answer_refusal(e, 400, "invalid_request", text);
	else
		answer_unavailable(e, err);
}
