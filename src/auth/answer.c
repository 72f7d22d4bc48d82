/* SPDX-License-Identifier: MIT */
/* The kinds of answers. */
#include "auth/answer.h"

#include "auth/pages.h"
#include "base/log.h"

#define LINES_PER_SECOND 20

void
answer_status(struct request_context *ctx, unsigned status)
{
	ctx->out->status = status;
}

static int
answer_append(const char *text, size_t n, void *ctx)
{
	struct buf *body = ctx;

	buf_add(body, (struct str){ .p = text, .n = n });
	return 0;
}

void
answer_json_as(struct request_context *ctx, unsigned status, struct str type,
	       json_t *body)
{
	int rc = body == NULL ?
		     -1 :
		     json_dump_callback(body, answer_append, &ctx->out->body,
					JSON_COMPACT);

	json_decref(body);
	if (rc != 0) {
		http_response_reset(ctx->out, 500);
		return;
	}
	ctx->out->status = status;
	http_response_header(ctx->out, "Content-Type", type);
}

void
answer_json(struct request_context *ctx, unsigned status, json_t *body)
{
	answer_json_as(ctx, status, STR("application/json; charset=utf-8"),
		       body);
}

void
answer_error(struct request_context *ctx, unsigned status, const char *code,
	     const char *text)
{
	answer_json(ctx, status,
		    json_pack("{s:s, s:s}", "error", code, "error_description",
			      text));
}

void
answer_refusal(struct request_context *ctx, unsigned status, const char *code,
	       const char *text)
{
	answer_refusal_page(ctx, code, text,
			    &(struct page_refusal){ .status = status });
}

void
answer_refusal_page(struct request_context *ctx, const char *code,
		    const char *text, const struct page_refusal *page)
{
	if (http_request_is_navigation(ctx->in) &&
	    !http_request_wants_json(ctx->in))
		page_refuse(ctx, page);
	else
		answer_error(ctx, page->status, code, text);
}

void
answer_sign_in_first(struct request_context *ctx)
{
	answer_error(ctx, 401, "unauthorized", "Sign in first.");
	http_response_header(ctx->out, "WWW-Authenticate", STR("Bearer"));
}

bool
answer_is_for_form(const struct request_context *ctx)
{
	return ctx->in->media == MEDIA_FORM &&
	       !http_request_wants_json(ctx->in);
}

void
answer_redirect(struct request_context *ctx, unsigned status,
		struct str location)
{
	ctx->out->status = status;
	http_response_header(ctx->out, "Location", location);
}

void
answer_retry_after(struct request_context *ctx, int64_t seconds)
{
	struct buf text;

	buf_init(&text, ctx->call.arena, 32);
	buf_printf(&text, "%lld", (long long)(seconds > 0 ? seconds : 1));
	if (buf_failed(&text))
		ctx->out->failed = true;
	http_response_header(ctx->out, "Retry-After", buf_str(&text));
}

/* The number of lines is limited: a client that owns a damaged session, or
 * sends requests while a store is down, could cause as many as it likes. */
void
answer_log_unavailable(const struct request_context *ctx, const char *event,
		       const struct err *err)
{
	int64_t left_out;

	if (ctx->would_wait)
		return;
	if (!log_limit_take(&ctx->service->shared->log_limits->unavailable,
			    env_mono_ms(ctx->call.env), LINES_PER_SECOND,
			    &left_out))
		return;
	LOG(ctx->call.env->log, LOG_ERROR, event, F_CSTR("reason", err->msg),
	    F_STR("request", ctx->in->request_id),
	    F_INT(left_out > 0 ? "left_out" : NULL, left_out));
}

void
answer_unavailable(struct request_context *ctx, const struct err *err)
{
	answer_log_unavailable(ctx, "unavailable", err);
	http_response_reset(ctx->out, 503);
	answer_refusal(ctx, 503, "temporarily_unavailable",
		       "The service cannot answer at the moment. "
		       "Please try again shortly.");
	answer_retry_after(ctx, 1);
}

void
answer_unread(struct request_context *ctx, const struct err *err,
	      const char *text)
{
	if (err->code == ERR_INPUT)
		answer_refusal(ctx, 400, "invalid_request", text);
	else
		answer_unavailable(ctx, err);
}

/* Returns the message with the time to wait after too many attempts, rounded
 * up, in the largest unit that is precise enough. */
static const char *
wait_text(struct request_context *ctx, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *word;
	} units[] = { { 86400, "day" },
		      { 3600, "hour" },
		      { 60, "minute" },
		      { 1, "second" } };
	struct buf b;
	size_t i = 0;
	int64_t n;

	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds &&
	       seconds != units[i].seconds)
		i++;
	n = (seconds + units[i].seconds - 1) / units[i].seconds;
	buf_init(&b, ctx->call.arena, 128);
	buf_printf(&b, "Too many attempts. Please try again in %lld %s%s.%c",
		   (long long)n, units[i].word, n == 1 ? "" : "s", '\0');
	return buf_failed(&b) ? "Too many attempts. Please try again later." :
				buf_str(&b).p;
}

void
answer_banned(struct request_context *ctx, int64_t seconds)
{
	answer_error(ctx, 429, "too_many_attempts", wait_text(ctx, seconds));
}

void
answer_busy(struct request_context *ctx)
{
	answer_error(ctx, 503, "busy",
		     "Too many people are signing in at this moment. Please "
		     "try again.");
}
