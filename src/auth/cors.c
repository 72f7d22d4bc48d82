/* SPDX-License-Identifier: MIT */
/* Calls of the endpoints by scripts of other origins. */
#include "auth/cors.h"

#include "auth/answer.h"

/* Seconds that a browser remembers a preflight; it does not outlive a change
 * of the configuration for long. */
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
	/* All that our endpoints read; which of them it asked for is its own
	 * business. */
	http_response_header(e->out, "Access-Control-Allow-Headers",
			     STR("Authorization, Content-Type, Accept"));
	http_response_header(e->out, "Access-Control-Max-Age", STR(MAX_AGE));
}

void
cors_add_headers(struct exchange *e)
{
	if (e->service->set->cors.origins.n == 0)
		return;
	/* Also without Origin: a cache must not give that answer to one who
	 * sends it. */
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
