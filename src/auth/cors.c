/* SPDX-License-Identifier: MIT */
/* Calls of the endpoints by scripts of other origins. */
#include "auth/cors.h"

#include "auth/answer.h"

/* Seconds for which a browser caches a preflight; short, so that a change of
 * the configuration soon takes effect. */
#define MAX_AGE "600"

static bool
is_listed(const struct exchange *e)
{
	return e->in->origin.p != NULL &&
	       words_have(&e->service->set->cors.origins, e->in->origin);
}

bool
cors_is_preflight(const struct exchange *e)
{
	return e->in->method == HTTP_OPTIONS &&
	       e->in->preflight_method.p != NULL && is_listed(e);
}

void
cors_answer_preflight(struct exchange *e, struct str methods)
{
	answer_status(e, 204);
	http_response_header(e->out, "Access-Control-Allow-Methods", methods);
	/* All headers that the endpoints read, regardless of those the browser
	 * asked for. */
	http_response_header(e->out, "Access-Control-Allow-Headers",
			     STR("Authorization, Content-Type, Accept"));
	http_response_header(e->out, "Access-Control-Max-Age", STR(MAX_AGE));
}

void
cors_add_headers(struct exchange *e)
{
	if (e->service->set->cors.origins.n == 0)
		return;
	/* Also sent when the request has no Origin: a cache must not serve that
	 * answer to a request with an Origin. */
	http_response_header(e->out, "Vary", STR("Origin"));
	if (!is_listed(e))
		return;
	http_response_header(e->out, "Access-Control-Allow-Origin",
			     e->in->origin);
	http_response_header(e->out, "Access-Control-Allow-Credentials",
			     STR("true"));
	http_response_header(e->out, "Access-Control-Expose-Headers",
			     STR("Retry-After"));
}
