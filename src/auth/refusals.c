/* SPDX-License-Identifier: MIT */
/* Reports refused checks. */
#include "auth/refusals.h"

#include "auth/own.h"
#include "base/buf.h"
#include "base/log.h"

#define LINES_PER_SECOND 20
#define PATH_MAX_BYTES	 512

static bool
is_wanted(const struct request_context *ctx, unsigned status)
{
	switch ((enum log_refusals)ctx->service->set->server.log_refusals) {
	case REFUSALS_NO:
		break;
	case REFUSALS_FORBIDDEN:
		return status == 403;
	case REFUSALS_ALL:
		return true;
	}
	return false;
}

static struct log_field
unless_empty(const char *key, struct str value)
{
	return F_STR(value.n > 0 ? key : NULL, value);
}

static void
refusals_write_line(const struct request_context *ctx, const struct refusal *r,
		    int64_t left_out)
{
	const struct http_request *in = ctx->in;
	const struct log_field fields[] = {
		F_INT("status", r->status),
		F_CSTR("reason", r->reason),
		F_CSTR(r->detail != NULL ? "detail" : NULL, r->detail),
		unless_empty("rule", r->rule),
		unless_empty("user", r->user),
		unless_empty("host", str_clip(in->host, 255)),
		unless_empty("method", str_clip(in->method_name, 32)),
		unless_empty("path",
			     str_clip(own_shown_address(ctx), PATH_MAX_BYTES)),
		unless_empty("require", str_clip(in->require, 128)),
		unless_empty("address", str_clip(in->remote_addr, 64)),
		unless_empty("request", in->request_id),
		left_out > 0 ? F_INT("left_out", left_out) :
			       (struct log_field){ .key = NULL },
	};

	log_event(ctx->call.env->log, LOG_INFO, "refusal", "refused", fields,
		  ARRAY_LEN(fields));
}

/* Adds the headers for web servers that read only the headers of the answer. */
static void
add_headers(struct request_context *ctx, const struct refusal *r)
{
	struct buf reason;

	buf_init(&reason, ctx->call.arena, 256);
	buf_add_cstr(&reason, r->reason);
	if (r->rule.n > 0) {
		buf_add_char(&reason, ' ');
		buf_add(&reason, r->rule);
	}
	if (buf_failed(&reason))
		ctx->out->failed = true;
	http_response_header(ctx->out, "Auth-Reason", buf_str(&reason));
	/* Not an identity header: those are only sent when a check is
	 * allowed. */
	if (r->user.n > 0)
		http_response_header(ctx->out, "Auth-User", r->user);
}

void
refusal_note(struct request_context *ctx, const struct refusal *r)
{
	int64_t left_out;

	if (ctx->in->action == ACTION_CHALLENGE)
		return;
	if (is_wanted(ctx, r->status) &&
	    log_limit_take(&ctx->service->shared->log_limits->refusals,
			   env_mono_ms(ctx->call.env), LINES_PER_SECOND,
			   &left_out))
		refusals_write_line(ctx, r, left_out);
	if (!ctx->in->authorizer)
		add_headers(ctx, r);
}
