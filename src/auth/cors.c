/* SPDX-License-Identifier: MIT */
/* Calls of the endpoints by scripts of other origins. */
#include "auth/cors.h"

#include "auth/answer.h"

/* Seconds for which a browser caches a preflight; short, so that a change of
 * the configuration soon takes effect. */
#define MAX_AGE "600"

static bool
cors_is_listed(const struct request_context *ctx)
{
	return ctx->in->origin.p != NULL &&
	       words_have(&ctx->service->set->cors.origins, ctx->in->origin);
}

bool
cors_is_preflight(const struct request_context *ctx)
{
	return ctx->in->method == HTTP_OPTIONS &&
	       ctx->in->preflight_method.p != NULL && cors_is_listed(ctx);
}

void
cors_answer_preflight(struct request_context *ctx, struct str methods)
{
	answer_status(ctx, 204);
	http_response_header(ctx->out, "Access-Control-Allow-Methods", methods);
	/* All headers that the endpoints read, regardless of those the browser
	 * asked for. */
	http_response_header(ctx->out, "Access-Control-Allow-Headers",
			     STR("Authorization, Content-Type, Accept"));
	http_response_header(ctx->out, "Access-Control-Max-Age", STR(MAX_AGE));
}

void
cors_add_headers(struct request_context *ctx)
{
	if (ctx->service->set->cors.origins.n == 0)
		return;
	/* Also sent when the request has no Origin: a cache must not serve that
	 * answer to a request with an Origin. */
	http_response_header(ctx->out, "Vary", STR("Origin"));
	if (!cors_is_listed(ctx))
		return;
	http_response_header(ctx->out, "Access-Control-Allow-Origin",
			     ctx->in->origin);
	http_response_header(ctx->out, "Access-Control-Allow-Credentials",
			     STR("true"));
	http_response_header(ctx->out, "Access-Control-Expose-Headers",
			     STR("Retry-After"));
}
