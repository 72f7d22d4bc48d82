/* SPDX-License-Identifier: MIT */
/* Processes a message: checks the sender, finds the route, and adds the common
 * headers. */
#include "auth/service.h"

#include "auth/answer.h"
#include "auth/cors.h"
#include "auth/csrf.h"
#include "auth/login.h"
#include "auth/own.h"
#include "auth/refresh.h"
#include "auth/refusals.h"
#include "auth/repeat.h"
#include "auth/status.h"
#include "auth/verify.h"
#include "base/log.h"
#include "base/secret.h"

enum route_flags {
	/* Answered for every host, regardless of server.hosts. */
	ROUTE_ANY_HOST = 1 << 0,
	/* Changes state: has a body, and its origin is checked. */
	ROUTE_CHANGES = 1 << 1,
	ROUTE_ANY_BODY = 1 << 2, /* ignores the body */
};

struct route {
	enum http_method method; /* HTTP_GET includes HEAD */
	const char *path; /* below server.path */
	void (*handle)(struct exchange *e);
	unsigned flags;
};

static const struct route routes[] = {
	{ HTTP_GET, "/login", login_get, 0 },
	{ HTTP_POST, "/login", login_post, ROUTE_CHANGES },
	{ HTTP_GET, "/logout", logout_get, 0 },
	{ HTTP_POST, "/logout", logout_post, ROUTE_CHANGES },
	{ HTTP_POST, "/refresh", refresh_post, ROUTE_CHANGES },
	{ HTTP_POST, REPEAT_PATH, repeat_post, ROUTE_ANY_BODY },
	{ HTTP_GET, "/me", me_get, 0 },
	{ HTTP_GET, "/jwks.json", jwks_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/health", health_get, ROUTE_ANY_HOST },
	{ HTTP_GET, "/ready", ready_get, ROUTE_ANY_HOST },
};

/* Returns the part of the path that is compared with the routes; empty when the
 * path is not one of this service. */
static struct str
route_path(const struct exchange *e)
{
	struct str prefix = e->service->set->server.path;

	if (!str_starts(e->in->path, prefix))
		return STR("");
	return str_skip(e->in->path, prefix.n);
}

static const struct route *
find_route(const struct exchange *e, struct str path, bool *path_known)
{
	enum http_method method = e->in->method;

	if (method == HTTP_HEAD)
		method = HTTP_GET;
	*path_known = false;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!str_eq(path, str_from(routes[i].path)))
			continue;
		*path_known = true;
		if (routes[i].method == method)
			return &routes[i];
	}
	return NULL;
}

/* Returns the methods of a known path, as a list for a header. */
static struct str
allowed_methods(struct exchange *e, struct str path)
{
	struct buf allow;

	buf_init(&allow, e->call.arena, 64);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!str_eq(path, str_from(routes[i].path)))
			continue;
		if (allow.n > 0)
			buf_add(&allow, STR(", "));
		buf_add(&allow, routes[i].method == HTTP_GET ?
				    STR("GET, HEAD") :
				    STR("POST"));
	}
	if (buf_failed(&allow))
		e->out->failed = true;
	return buf_str(&allow);
}

static void
answer_wrong_method(struct exchange *e, struct str path)
{
	struct str methods = allowed_methods(e, path);

	if (own_is_host(e) && cors_is_preflight(e)) {
		cors_answer_preflight(e, methods);
		return;
	}
	answer_refusal(e, 405, "method_not_allowed", "Method not allowed.");
	http_response_header(e->out, "Allow", methods);
}

/* Checks a request that changes state; returns true when it may proceed,
 * otherwise the answer is complete. */
static bool
may_change(struct exchange *e)
{
	if (e->in->media == MEDIA_OTHER ||
	    (e->in->media == MEDIA_NONE && e->in->body.n > 0)) {
		answer_refusal(e, 415, "unsupported_media_type",
			       "The body must be a form or JSON.");
		return false;
	}
	return !csrf_refuse_origin(e);
}

static bool
may_warn(const struct exchange *e, int64_t *left_out)
{
	return log_limit_take(&e->service->shared->log_limits->requests,
			      env_mono_ms(e->call.env), 1, left_out);
}

/* Refuses a request for one of our endpoints with a host that is not ours. */
static void
refuse_host(struct exchange *e)
{
	int64_t left_out;

	if (may_warn(e, &left_out))
		LOG(e->call.env->log, LOG_INFO, "unknown_host",
		    F_STR("host", str_clip(e->in->host, 255)),
		    F_STR("path", e->in->path),
		    F_STR("address", e->in->remote_addr),
		    F_CSTR("cure",
			   "if this host is yours, add it to server.hosts"),
		    F_INT("left_out", left_out));
	answer_refusal(e, 400, "invalid_request",
		       "This service does not answer for this host.");
}

static void
answer_endpoint(struct exchange *e)
{
	struct str path = route_path(e);
	const struct route *route;
	bool path_known;

	route = find_route(e, path, &path_known);
	if (route == NULL && path_known)
		answer_wrong_method(e, path);
	else if (route == NULL)
		answer_refusal(e, 404, "not_found", "Not found.");
	else if (!own_is_host(e) && (route->flags & ROUTE_ANY_HOST) == 0)
		refuse_host(e);
	else if (e->in->body_too_large && (route->flags & ROUTE_ANY_BODY) == 0)
		answer_refusal(e, 413, "too_large", "The body is too large.");
	else if ((route->flags & ROUTE_CHANGES) == 0 || may_change(e))
		route->handle(e);
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
refuse_check(struct exchange *e, const char *reason, const char *detail,
	     const char *text)
{
	refusal_note(e, &(struct refusal){ .status = 403,
					   .reason = reason,
					   .detail = detail });
	/* A web server that uses AUTH_ACTION does not show this answer to the
	 * visitor: it requests the challenge for that. */
	if (e->in->action == ACTION_VERIFY && !e->in->authorizer)
		answer_status(e, 403);
	else
		answer_refusal(e, 403, "forbidden", text);
}

static void
answer_by_action(struct exchange *e)
{
	enum http_action action = e->in->action;

	if (action != ACTION_ENDPOINT && !own_is_host(e)) {
		refuse_check(e, "unknown host", NULL,
			     "This service does not answer for this address. "
			     "Please tell the administrator of the site.");
		return;
	}
	switch (action) {
	case ACTION_ENDPOINT:
		answer_endpoint(e);
		break;
	case ACTION_VERIFY:
		/* Apache and lighttpd request this path without the body. */
		if (e->in->authorizer &&
		    str_eq(route_path(e), STR(REPEAT_PATH)))
			answer_endpoint(e);
		else
			verify_answer(e);
		break;
	case ACTION_CHALLENGE:
		verify_challenge(e);
		break;
	case ACTION_UNKNOWN:
		answer_status(e, 403);
		break;
	}
}

/* Returns true when the client sent an identity header.  The identity headers
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
answer_request(struct exchange *e, const struct message *in)
{
	own_find(e);
	/* In requests to an authorizer, these headers may be present; the web
	 * server removes them itself. */
	if (e->in->action == ACTION_VERIFY && !e->in->authorizer &&
	    brings_identity(e->service, in))
		refuse_check(e, "forged identity header", NULL, "");
	else
		answer_by_action(e);
}

static void
refuse_peer(struct exchange *e)
{
	int64_t left_out;

	if (may_warn(e, &left_out))
		LOG(e->call.env->log, LOG_WARNING, "peer_refused",
		    F_CSTR("reason", "AUTH_SECRET is not a secret of "
				     "server.peer_secret"),
		    F_INT("left_out", left_out));
	answer_status(e, 403);
}

/* Answers a malformed request: 403 for a check, 400 for an endpoint. */
static void
answer_malformed(struct exchange *e, const struct err *err)
{
	int64_t left_out;

	if (err->code == ERR_INTERNAL) {
		answer_status(e, 503);
	} else if (e->in->action != ACTION_ENDPOINT) {
		refuse_check(e, "malformed request", err->msg,
			     "The address of this page is malformed.");
	} else {
		if (may_warn(e, &left_out))
			LOG(e->call.env->log, LOG_INFO, "malformed_request",
			    F_CSTR("reason", err->msg),
			    F_STR("address", e->in->remote_addr),
			    F_INT("left_out", left_out));
		answer_refusal(e, 400, "invalid_request",
			       "The request is malformed.");
	}
}

/* Adds the default headers: every answer depends on the user, so it must not be
 * cached.  Not for an allowed authorizer request: Apache adds its headers to
 * the answer of the application. */
static void
add_defaults(struct exchange *e)
{
	if (e->in->authorizer && e->out->status == 200)
		return;
	http_response_default(e->out, "Cache-Control", STR("no-store"));
	http_response_default(e->out, "X-Content-Type-Options", STR("nosniff"));
}

bool
service_answer(const struct service *s, const struct service_links *links,
	       struct arena *a, const struct message *in, struct buf *out)
{
	struct http_request request = { .action = ACTION_UNKNOWN };
	struct http_response response;
	struct exchange e = {
		.call = { .arena = a,
			  .env = s->shared->env,
			  .now_ms = env_wall_ms(s->shared->env),
			  .store = links->store,
			  .users = links->users },
		.service = s,
		.jar = &s->jars[s->set->cookie.secure],
		.in = &request,
		.out = &response,
		.place = in->place,
	};
	struct err err;

	http_response_init(&response, a);
	if (!is_peer_trusted(s, in))
		refuse_peer(&e);
	else if (http_request_parse(in, a, &request, &err) != 0)
		answer_malformed(&e, &err);
	else
		answer_request(&e, in);
	if (e.queued)
		return true;
	if (request.action == ACTION_ENDPOINT)
		cors_add_headers(&e);
	add_defaults(&e);
	http_response_write(&response, request.method == HTTP_HEAD, out);
	return false;
}
