/* SPDX-License-Identifier: MIT */
/* Processes a message: checks the sender, finds the route, and adds the common
 * headers. */
#include "auth/service.h"

#include "auth/account.h"
#include "auth/answer.h"
#include "auth/cors.h"
#include "auth/csrf.h"
#include "auth/login.h"
#include "auth/metrics.h"
#include "auth/metrics_page.h"
#include "auth/must_change.h"
#include "auth/one_time_link.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "auth/refresh.h"
#include "auth/refusals.h"
#include "auth/repeat.h"
#include "auth/reset_request.h"
#include "auth/routes.h"
#include "auth/sessions.h"
#include "auth/status.h"
#include "auth/verify.h"
#include "base/enc.h"
#include "base/log.h"
#include "base/secret.h"

static const struct route routes[] = {
	{ HTTP_GET, "/login", login_get, 0 },
	{ HTTP_POST, "/login", login_post, ROUTE_CHANGES },
	{ HTTP_POST, "/login/password", must_change_post, ROUTE_CHANGES },
	{ HTTP_GET, "/logout", logout_get, 0 },
	{ HTTP_POST, "/logout", logout_post, ROUTE_CHANGES },
	{ HTTP_POST, "/refresh", refresh_post, ROUTE_CHANGES },
	{ HTTP_POST, REPEAT_PATH, repeat_post, ROUTE_ANY_BODY },
	{ HTTP_GET, "/me", me_get, 0 },
	{ HTTP_GET, ACCOUNT_PATH, account_get, 0 },
	{ HTTP_POST, "/password", account_password_post, ROUTE_CHANGES },
	{ HTTP_GET, RESET_PATH, reset_request_get, 0 },
	{ HTTP_POST, RESET_PATH, reset_request_post, ROUTE_CHANGES },
	{ HTTP_GET, LINK_PATH "*", one_time_link_get, 0 },
	{ HTTP_POST, LINK_PATH "*", one_time_link_post, ROUTE_CHANGES },
	{ HTTP_GET, "/style.css", page_style_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/page.js", page_script_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/icon.svg", page_icon_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/logo", page_logo_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/sessions", sessions_get, 0 },
	{ HTTP_DELETE, "/sessions", sessions_delete, ROUTE_CHANGES },
	{ HTTP_DELETE, "/sessions/*", sessions_delete_one, ROUTE_CHANGES },
	{ HTTP_POST, "/sessions/end", sessions_end_post, ROUTE_CHANGES },
	{ HTTP_POST, "/sessions/*/end", sessions_end_one_post, ROUTE_CHANGES },
	{ HTTP_GET, "/jwks.json", jwks_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/health", health_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/ready", ready_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/metrics", metrics_get, ROUTE_ANY_HOST },
};

static const struct route_table table = { .v = routes, .n = ARRAY_LEN(routes) };

/* Returns the part of the path that is compared with the routes; empty when the
 * path is not one of this service. */
static struct str
route_path(const struct request_context *ctx)
{
	struct str prefix = ctx->service->set->server.path;

	if (!str_starts(ctx->in->path, prefix))
		return STR("");
	return str_skip(ctx->in->path, prefix.n);
}

static void
answer_wrong_method(struct request_context *ctx, struct str path)
{
	struct str methods = route_methods(&table, path, ctx->call.arena);

	if (methods.p == NULL)
		ctx->out->failed = true;
	if (own_is_host(ctx) && cors_is_preflight(ctx)) {
		cors_answer_preflight(ctx, methods);
		return;
	}
	answer_refusal(ctx, 405, "method_not_allowed", "Method not allowed.");
	http_response_header(ctx->out, "Allow", methods);
}

/* Checks a request that changes state; returns true when it may proceed,
 * otherwise the answer is complete. */
static bool
may_change(struct request_context *ctx)
{
	if (ctx->in->media == MEDIA_OTHER ||
	    (ctx->in->media == MEDIA_NONE && ctx->in->body.n > 0)) {
		answer_refusal(ctx, 415, "unsupported_media_type",
			       "The body must be a form or JSON.");
		return false;
	}
	return !csrf_refuse_origin(ctx);
}

static bool
may_warn(const struct request_context *ctx, int64_t *left_out)
{
	return log_limit_take(&ctx->service->shared->log_limits->requests,
			      env_mono_ms(ctx->call.env), 1, left_out);
}

/* Refuses a request for one of our endpoints with a host that is not ours. */
static void
refuse_host(struct request_context *ctx)
{
	int64_t left_out;

	if (may_warn(ctx, &left_out))
		LOG(ctx->call.env->log, LOG_INFO, "unknown_host",
		    F_STR("host", str_clip(ctx->in->host, 255)),
		    F_STR("path", own_shown_path(ctx)),
		    F_STR("address", ctx->in->remote_addr),
		    F_STR("request", ctx->in->request_id),
		    F_CSTR("cure",
			   "if this host is yours, add it to server.hosts"),
		    F_INT("left_out", left_out));
	answer_refusal_page(ctx, "invalid_request",
			    "This service does not answer for this host.",
			    &(struct page_refusal){ .status = 400,
						    .place = TEXT("host") });
}

static void
answer_endpoint(struct request_context *ctx)
{
	struct str path = route_path(ctx);
	const struct route_match match =
	    route_find(&table, ctx->in->method, path);
	const struct route *route = match.route;

	ctx->segment = match.segment;
	if (route == NULL && match.known)
		answer_wrong_method(ctx, path);
	else if (route == NULL)
		answer_refusal(ctx, 404, "not_found", "Not found.");
	else if (!own_is_host(ctx) && (route->flags & ROUTE_ANY_HOST) == 0)
		refuse_host(ctx);
	else if (ctx->in->body_too_large &&
		 (route->flags & ROUTE_ANY_BODY) == 0)
		answer_refusal(ctx, 413, "too_large", "The body is too large.");
	else if ((route->flags & ROUTE_CHANGES) == 0 || may_change(ctx))
		route->handle(ctx);
}

/* There are at most two secrets: while the secret is being changed, both are
 * accepted. */
static bool
is_peer_secret(const struct service *s, struct str given)
{
	struct str rest = s->set->server.peer_secret, secret;
	bool right = false;

	while (str_word(&rest, &secret))
		right = secret_equal(secret, given) || right;
	return right;
}

/* Returns true when the web server sent the peer secret (server.peer_secret).
 * This is checked before any other parameter is trusted. */
static bool
is_peer_trusted(const struct service *s, const struct message *in)
{
	size_t given = 0;
	bool right = false;

	if (s->set->server.peer_secret.n == 0)
		return true;
	for (size_t i = 0; i < in->nparams; i++) {
		if (!str_eq(in->params[i].name, STR("AUTH_SECRET")))
			continue;
		given++;
		right = is_peer_secret(s, in->params[i].value);
	}
	return given == 1 && right;
}

/* Refuses a check or a challenge before the user is identified. */
static void
refuse_check(struct request_context *ctx, const char *reason,
	     const char *detail, const char *text, const char *place)
{
	refusal_note(ctx, &(struct refusal){ .status = 403,
					     .reason = reason,
					     .detail = detail });
	/* A web server that uses AUTH_ACTION does not show this answer to the
	 * visitor: it requests the challenge for that. */
	if (ctx->in->action == ACTION_VERIFY && !ctx->in->authorizer)
		answer_status(ctx, 403);
	else
		answer_refusal_page(ctx, "forbidden", text,
				    &(struct page_refusal){ .status = 403,
							    .place = place });
}

static void
answer_by_action(struct request_context *ctx)
{
	enum http_action action = ctx->in->action;

	if (action != ACTION_ENDPOINT && !own_is_host(ctx)) {
		refuse_check(ctx, "unknown host", NULL,
			     "This service does not answer for this address. "
			     "Please tell the administrator of the site.",
			     TEXT("host"));
		return;
	}
	switch (action) {
	case ACTION_ENDPOINT:
		answer_endpoint(ctx);
		break;
	case ACTION_VERIFY:
		/* Apache and lighttpd request this path without the body. */
		if (!ctx->in->authorizer ||
		    !str_eq(route_path(ctx), STR(REPEAT_PATH)))
			verify_answer(ctx);
		else if (ctx->must_not_wait)
			ctx->would_wait = true;
		else
			answer_endpoint(ctx);
		break;
	case ACTION_CHALLENGE:
		verify_challenge(ctx);
		break;
	case ACTION_UNKNOWN:
		answer_status(ctx, 403);
		break;
	}
}

/* Returns true when the client sent an identity header. The identity headers
 * of the web server come from this service, so a request must not have them
 * yet. */
static bool
brings_identity(const struct service *s, const struct message *in)
{
	for (size_t i = 0; i < in->nparams; i++) {
		if (in->params[i].value.n == 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(s->identity_params); k++) {
			if (str_eq(in->params[i].name, s->identity_params[k]))
				return true;
		}
	}
	return false;
}

static void
answer_request(struct request_context *ctx, const struct message *in)
{
	own_find(ctx);
	/* In requests to an authorizer, these headers may be present; the web
	 * server removes them itself. */
	if (ctx->in->action == ACTION_VERIFY && !ctx->in->authorizer &&
	    brings_identity(ctx->service, in))
		refuse_check(ctx, "forged identity header", NULL, "",
			     TEXT("refused"));
	else
		answer_by_action(ctx);
}

static void
refuse_peer(struct request_context *ctx)
{
	int64_t left_out;

	if (may_warn(ctx, &left_out))
		LOG(ctx->call.env->log, LOG_WARNING, "peer_refused",
		    F_CSTR("reason", "AUTH_SECRET is not a secret of "
				     "server.peer_secret"),
		    F_INT("left_out", left_out));
	answer_status(ctx, 403);
}

/* Answers a malformed request: 403 for a check, 400 for an endpoint. */
static void
answer_malformed(struct request_context *ctx, const struct err *err)
{
	int64_t left_out;

	if (err->code == ERR_INTERNAL) {
		answer_status(ctx, 503);
	} else if (ctx->in->action != ACTION_ENDPOINT) {
		refuse_check(ctx, "malformed request", err->msg,
			     "The address of this page is malformed.",
			     TEXT("malformed"));
	} else {
		if (may_warn(ctx, &left_out))
			LOG(ctx->call.env->log, LOG_INFO, "malformed_request",
			    F_CSTR("reason", err->msg),
			    F_STR("address", ctx->in->remote_addr),
			    F_STR("request", ctx->in->request_id),
			    F_INT("left_out", left_out));
		answer_refusal(ctx, 400, "invalid_request",
			       "The request is malformed.");
	}
}

/* Adds the default headers: every answer depends on the user, so it must not be
 * cached. Not for an allowed authorizer request: Apache adds its headers to
 * the answer of the application. */
static void
add_defaults(struct request_context *ctx)
{
	if (ctx->in->authorizer && ctx->out->status == 200)
		return;
	http_response_default(ctx->out, "Cache-Control", STR("no-store"));
	http_response_default(ctx->out, "X-Content-Type-Options",
			      STR("nosniff"));
}

/* Returns whether there is one AUTH_ACTION, and it is this one. */
static bool
has_action(const struct message *in, struct str action)
{
	size_t actions = 0;
	bool is = false;

	for (size_t i = 0; i < in->nparams; i++) {
		if (!str_eq(in->params[i].name, STR("AUTH_ACTION")))
			continue;
		actions++;
		is = str_eq(in->params[i].value, action);
	}
	return actions == 1 && is;
}

/* Makes an ID for a request to which the web server has given none. Without
 * memory or random numbers the request remains without one. */
static void
complete_request_id(const struct request_context *ctx, struct str *id)
{
	uint8_t random[8];
	char *hex;

	if (id->n > 0 || env_random(ctx->call.env, random, sizeof(random)) != 0)
		return;
	hex = arena_alloc(ctx->call.arena, HEX_LEN(sizeof(random)));
	if (hex == NULL)
		return;
	hex_encode(random, sizeof(random), hex);
	*id = (struct str){ .p = hex, .n = HEX_LEN(sizeof(random)) };
}

/* Parses and answers a request whose sender is trusted. */
static void
parse_and_answer(struct request_context *ctx, const struct message *in,
		 struct http_request *request)
{
	struct err err;
	int parsed = http_request_parse(in, ctx->call.arena, request, &err);

	complete_request_id(ctx, &request->request_id);
	if (parsed != 0)
		answer_malformed(ctx, &err);
	else
		answer_request(ctx, in);
}

/* Counts a check by its verdict. An authorizer is also asked for an endpoint,
 * and those answers are none of these. */
static void
count_check(const struct request_context *ctx)
{
	const struct service *s = ctx->service;
	unsigned verdict;

	switch (ctx->out->status) {
	case 200:
	case 204:
		verdict = METRIC_ALLOWED;
		break;
	case 302:
	case 401:
		verdict = METRIC_401;
		break;
	case 403:
		verdict = METRIC_403;
		break;
	case 503:
		verdict = METRIC_503;
		break;
	default:
		return;
	}
	metrics_add(s->shared->metrics, ctx->call.arena,
		    METRIC_CHECK + s->mode_number * METRIC_VERDICTS + verdict,
		    1);
}

/* Answers the request of a context that has its service, connections and
 * place. Appends nothing if it waits or would wait. */
static void
answer_message(struct request_context *ctx, struct arena *a,
	       const struct message *in, struct buf *out)
{
	const struct service *s = ctx->service;
	struct http_request request = { .action = ACTION_UNKNOWN };
	struct http_response response;

	ctx->call.arena = a;
	ctx->call.env = s->shared->env;
	ctx->call.now_ms = env_wall_ms(s->shared->env);
	ctx->jar = &s->jars[s->set->cookie.secure];
	ctx->in = &request;
	ctx->out = &response;
	http_response_init(&response, a);
	if (!is_peer_trusted(s, in))
		refuse_peer(ctx);
	else if (!in->authorizer && has_action(in, STR("status")))
		status_answer(ctx);
	else
		parse_and_answer(ctx, in, &request);
	if (ctx->queued || ctx->would_wait)
		return;
	if (request.action == ACTION_VERIFY)
		count_check(ctx);
	if (request.action == ACTION_ENDPOINT)
		cors_add_headers(ctx);
	add_defaults(ctx);
	http_response_write(&response, request.method == HTTP_HEAD, out);
}

bool
service_answer(const struct service *s, const struct service_conns *conns,
	       struct arena *a, const struct message *in, struct buf *out)
{
	struct request_context ctx = {
		.call = { .store = conns->store,
			  .users = conns->users,
			  .factors = factors_conn_bound(conns->factors) },
		.service = s,
		.place = in->place,
	};

	answer_message(&ctx, a, in, out);
	return ctx.queued;
}

bool
service_try(const struct service *s, struct arena *a, const struct message *in,
	    struct buf *out)
{
	struct request_context ctx = { .service = s, .must_not_wait = true };

	/* An administrator asks for the state when the workers wait, too. */
	if (!in->authorizer && !has_action(in, STR("verify")) &&
	    !has_action(in, STR("status")))
		return false;
	answer_message(&ctx, a, in, out);
	return !ctx.would_wait;
}
