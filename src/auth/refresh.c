/* SPDX-License-Identifier: MIT */
/* Refreshing a sign-in. */
#include "auth/refresh.h"

#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/credential.h"
#include "auth/csrf.h"
#include "auth/login.h"
#include "auth/metrics.h"
#include "auth/pages.h"
#include "base/enc.h"
#include "http/cookie.h"
#include "http/form.h"

/* The token that was presented; its successor is returned in the same way. */
struct refresh_presented {
	struct str token;
	bool in_body;
	bool as_cookie;
};

/* Audits suspicious tokens. An old token that is used again may have been
 * stolen; one from the future means that the store was restored from a backup,
 * or that a key was disclosed. */
static void
raise_alarm(struct request_context *ctx, const struct refresh_result *r)
{
	switch (r->answer) {
	case REFRESH_REUSED:
		audit(ctx, "refresh_reuse", r->principal.who.name,
		      &r->principal.session,
		      "an old refresh token was reused; its session was ended");
		break;
	case REFRESH_FUTURE:
		audit(ctx, "refresh_future", r->principal.who.name,
		      &r->principal.session,
		      "a refresh token is newer than the one in the store");
		break;
	case REFRESH_REFUSED:
	case REFRESH_DONE:
	case REFRESH_AGAIN:
	case REFRESH_TOO_LARGE:
		break;
	}
}

static void
count_refresh(const struct request_context *ctx, enum metric outcome)
{
	metrics_add(ctx->service->shared->metrics, ctx->call.arena, outcome, 1);
}

static enum metric
metric_of(enum refresh_answer answer)
{
	switch (answer) {
	case REFRESH_DONE:
		return METRIC_REFRESH_RENEWED;
	case REFRESH_AGAIN:
		return METRIC_REFRESH_REPEATED;
	case REFRESH_REUSED:
		return METRIC_REFRESH_REUSED;
	case REFRESH_REFUSED:
	case REFRESH_FUTURE:
	case REFRESH_TOO_LARGE:
		break;
	}
	return METRIC_REFRESH_REFUSED;
}

bool
refresh_has_own_token(const struct request_context *ctx)
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;

	return mode->refresh_cookie != mode->access_cookie;
}

/* Rechecks the user of a session that is refreshed, if that is due. */
static int
keep_session(struct request_context *ctx, struct str token,
	     enum verdict *verdict, struct err *err)
{
	const struct service *s = ctx->service;
	struct auth_result is;

	if (s->mode_ops->authenticate(s->mode, &ctx->call, token, &is, err) !=
		0 ||
	    credential_keep(ctx, &is, err) != 0)
		return -1;
	*verdict = is.verdict;
	return 0;
}

int
refresh_token(struct request_context *ctx, struct str token, bool as_cookie,
	      struct refresh_result *out, struct err *err)
{
	const struct service *s = ctx->service;
	struct refresh_result is = { .answer = REFRESH_REFUSED };
	enum verdict verdict = VERDICT_ALLOW;

	if ((!refresh_has_own_token(ctx) &&
	     keep_session(ctx, token, &verdict, err) != 0) ||
	    (verdict == VERDICT_ALLOW &&
	     s->mode_ops->refresh(s->mode, &ctx->call, token,
				  as_cookie ? credential_cookie_room(ctx) :
					      SIZE_MAX,
				  &is, err) != 0)) {
		count_refresh(ctx, METRIC_REFRESH_UNAVAILABLE);
		return -1;
	}
	raise_alarm(ctx, &is);
	count_refresh(ctx, metric_of(is.answer));
	*out = is;
	return 0;
}

static void
find_cookie(struct request_context *ctx, struct refresh_presented *p)
{
	enum credential_answer found =
	    refresh_has_own_token(ctx) ?
		credential_find_refresh(ctx, &p->token) :
		credential_find(ctx, &p->token);

	p->as_cookie = found == CREDENTIAL_COOKIE;
	p->in_body = found == CREDENTIAL_BEARER;
}

/* Finds the token: in the body of RFC 6749 section 6, or, if the body has no
 * fields, in a cookie. */
static int
find_token(struct request_context *ctx, struct refresh_presented *p,
	   const char **code, struct err *err)
{
	struct str grant_type, token;
	struct form form;

	if (form_parse(ctx->in, ctx->call.arena, &form, err) != 0)
		return -1;
	*p = (struct refresh_presented){ .token = STR("") };
	*code = NULL;
	grant_type = form_get(&form, "grant_type");
	token = form_get(&form, "refresh_token");
	if (grant_type.p != NULL && !str_eq(grant_type, STR("refresh_token"))) {
		*code = "unsupported_grant_type";
	} else if (token.p != NULL) {
		p->token = token;
		p->in_body = true;
		/* RFC 6749 requires the grant type. */
		if (grant_type.p == NULL)
			*code = "invalid_request";
	} else if (grant_type.p != NULL) {
		*code = "invalid_request";
	} else {
		find_cookie(ctx, p);
	}
	return 0;
}

static void
answer_refused(struct request_context *ctx)
{
	if (refresh_has_own_token(ctx)) {
		answer_error(ctx, 400, "invalid_grant",
			     "The refresh token is not valid any more.");
		return;
	}
	answer_error(ctx, 401, "invalid_token", "Sign in first.");
	http_response_header(ctx->out, "WWW-Authenticate", STR("Bearer"));
}

static void
refresh_hand_over(struct request_context *ctx,
		  const struct refresh_presented *p,
		  const struct refresh_result *r)
{
	answer_json(ctx, 200,
		    credential_json(&r->principal.who, &r->credentials,
				    p->in_body));
	/* The cookie of a session does not change: nothing was rotated. */
	if (p->as_cookie && r->credentials.refresh.n > 0)
		credential_set_cookies(ctx, &r->credentials);
}

static void
try_token(struct request_context *ctx, const struct refresh_presented *p)
{
	struct refresh_result r;
	struct err err;

	if (refresh_token(ctx, p->token, p->as_cookie, &r, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (r.answer == REFRESH_TOO_LARGE)
		answer_error(ctx, 500, "token_too_large", credential_too_large);
	else if (r.answer == REFRESH_DONE || r.answer == REFRESH_AGAIN)
		refresh_hand_over(ctx, p, &r);
	else
		answer_refused(ctx);
}

void
refresh_post(struct request_context *ctx)
{
	struct refresh_presented p;
	const char *code;
	struct err err;

	if (ctx->service->mode_ops->refresh == NULL) {
		answer_error(ctx, 400, "unsupported_grant_type",
			     "This service does not use refresh tokens.");
	} else if (find_token(ctx, &p, &code, &err) != 0) {
		if (err.code == ERR_INPUT)
			answer_error(ctx, 400, "invalid_request",
				     "The body is malformed.");
		else
			answer_unavailable(ctx, &err);
	} else if (code != NULL) {
		answer_error(ctx, 400, code,
			     "The body must have grant_type=refresh_token and "
			     "a refresh_token.");
	} else if (p.token.n == 0) {
		answer_refused(ctx);
	} else {
		try_token(ctx, &p);
	}
}

/* This cookie marks for a few seconds that the browser was given new cookies:
 * if it returns without the access cookie, it does not keep cookies. */
#define RENEWED		STR("renewed")
#define RENEWED_SECONDS 5

static bool
was_renewed(const struct request_context *ctx)
{
	struct str value;

	return cookie_find(ctx->in, ctx->jar->login, &value) == COOKIE_FOUND &&
	       str_eq(value, RENEWED);
}

static void
mark_renewed(struct request_context *ctx, int64_t expires_in)
{
	const struct settings *set = ctx->service->set;
	int64_t life = expires_in / 2;

	if (life > RENEWED_SECONDS)
		life = RENEWED_SECONDS;
	if (life < 1)
		life = 1;
	cookie_set(ctx->out, &ctx->jar->set, set->server.path, COOKIE_LOGIN,
		   RENEWED, life);
}

/* Redirects to our own page first, which checks that the cookies were kept. */
static void
go_by_login_page(struct request_context *ctx, struct str rd)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, 32 * 1024);
	buf_add(&b, ctx->service->set->server.path);
	buf_add(&b, STR("/login?renewed=1&rd="));
	percent_encode(&b, rd);
	if (buf_failed(&b))
		ctx->out->failed = true;
	else if (b.n > LOGIN_LOCATION_MAX)
		page_too_long(ctx);
	else
		answer_redirect(ctx, 303, buf_str(&b));
}

/*
 * Sends the request again from our own page, once; the second time, the form is
 * shown. A foreign page can open our page and abort the request before the
 * answer arrives; then the refresh token would be used and its successor lost.
 * Therefore a request from elsewhere uses no token.
 */
static void
ask_by_ourselves(struct request_context *ctx, bool *done)
{
	struct str uri = ctx->in->uri, again;
	struct err err;
	struct buf b;

	*done = http_request_query(ctx->in, STR("own"), ctx->call.arena, &again,
				   &err) == 0 &&
		again.p == NULL;
	if (!*done)
		return;
	buf_init(&b, ctx->call.arena, 16 * 1024);
	buf_add(&b, uri);
	buf_add(&b, str_find(uri, '?') < uri.n ? STR("&own=1") : STR("?own=1"));
	if (buf_failed(&b))
		ctx->out->failed = true;
	page_continue(ctx, buf_str(&b));
}

void
refresh_navigation(struct request_context *ctx, struct str rd, bool *done,
		   const char **problem)
{
	struct refresh_result r;
	struct str token;
	struct err err;

	*done = false;
	*problem = NULL;
	if (ctx->in->method != HTTP_GET ||
	    !http_request_is_navigation(ctx->in) ||
	    credential_find_refresh(ctx, &token) != CREDENTIAL_COOKIE)
		return;
	if (was_renewed(ctx)) {
		*problem = TEXT("login.no_cookies");
		return;
	}
	if (csrf_is_from_elsewhere(ctx)) {
		ask_by_ourselves(ctx, done);
		return;
	}
	if (refresh_token(ctx, token, true, &r, &err) != 0) {
		answer_unavailable(ctx, &err);
		*done = true;
		return;
	}
	if (r.answer == REFRESH_TOO_LARGE)
		*problem = TEXT("login.too_large");
	if (r.answer != REFRESH_DONE && r.answer != REFRESH_AGAIN)
		return;
	/* The token was used just now: by another tab, or by a browser that
	 * does not keep its cookies. */
	if (r.answer == REFRESH_AGAIN)
		go_by_login_page(ctx, rd);
	else
		answer_redirect(ctx, 303, rd);
	credential_set_cookies(ctx, &r.credentials);
	mark_renewed(ctx, r.credentials.expires_in);
	*done = true;
}

void
jwks_get(struct request_context *ctx)
{
	const struct service *s = ctx->service;
	json_t *set = s->mode_ops->jwks != NULL ? s->mode_ops->jwks(s->mode) :
						  json_pack("{s:[]}", "keys");

	answer_json_as(ctx, 200, STR("application/jwk-set+json"), set);
	http_response_header(ctx->out, "Cache-Control",
			     STR("public, max-age=3600"));
}
