/* SPDX-License-Identifier: MIT */
/* Repeats a form that was posted after the access token had expired. */
#include "auth/repeat.h"

#include "auth/answer.h"
#include "auth/credential.h"
#include "auth/csrf.h"
#include "auth/login.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "auth/refresh.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"
#include "http/cookie.h"
#include "http/path.h"
#include "http/readings.h"
#include "http/redirect.h"

/* How often a form may be repeated during the lifetime of the access token that
 * its browser was given: more than once, as people click twice. */
#define REPEATS_MAX 3

static bool
may_be_repeated(const struct request_context *ctx)
{
	struct str token;

	return ctx->in->method == HTTP_POST && refresh_has_own_token(ctx) &&
	       csrf_page_is_ours(ctx) &&
	       credential_find(ctx, &token) != CREDENTIAL_REFUSED;
}

/* Redirects to the path that repeats a form for `uri`. */
static void
go_by_repeat(struct request_context *ctx, const char *query, struct str uri)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, 32 * 1024);
	buf_add(&b, ctx->service->set->server.path);
	buf_add_cstr(&b, REPEAT_PATH);
	buf_add_cstr(&b, query);
	percent_encode(&b, uri);
	if (buf_failed(&b))
		ctx->out->failed = true;
	else if (b.n > LOGIN_LOCATION_MAX)
		page_unsent(ctx);
	else
		answer_redirect(ctx, 307, buf_str(&b));
}

void
repeat_challenge(struct request_context *ctx)
{
	if (may_be_repeated(ctx))
		go_by_repeat(ctx, "?rd=",
			     redirect_escape(ctx->in->uri, ctx->call.arena));
	else
		page_unsent(ctx);
}

/* Returns true when `rd` is a path of this host, and in none of its readings a
 * path of this service. */
static bool
is_target(const struct request_context *ctx, struct str rd)
{
	struct arena *a = ctx->call.arena;
	struct path_readings *all = arena_alloc(a, sizeof(*all));
	struct str path, query;
	struct err err;

	if (all == NULL || !str_starts(rd, STR("/")) ||
	    !own_may_lead_to(ctx, rd, false) ||
	    path_split(rd, a, &path, &query, &err) != 0 ||
	    path_readings(path, a, all, &err) != 0 || !all->complete)
		return false;
	for (size_t i = 0; i < all->n; i++) {
		if (path_below(all->v[i], ctx->service->set->server.path))
			return false;
	}
	return true;
}

/* Returns how often this browser was sent back recently. */
static int64_t
count_repeats(const struct request_context *ctx)
{
	struct str value;
	int64_t n;

	if (cookie_find(ctx->in, ctx->jar->repeat, &value) != COOKIE_FOUND ||
	    !str_to_uint(value, REPEATS_MAX, &n))
		return 0;
	return n;
}

static void
set_mark(struct request_context *ctx, int64_t n, int64_t max_age)
{
	const struct settings *set = ctx->service->set;
	char digit = (char)('0' + n);

	cookie_set(ctx->out, &ctx->jar->set, set->server.path, COOKIE_REPEAT,
		   (struct str){ .p = &digit, .n = n > 0 ? 1 : 0 }, max_age);
}

/* Redirects the form back to the application. The browser has an access
 * token for `seconds`; if it returns within that time, it does not keep its
 * cookies. */
static void
send_back(struct request_context *ctx, struct str rd, int64_t seconds)
{
	answer_redirect(ctx, 307, rd);
	set_mark(ctx, count_repeats(ctx) + 1, seconds > 1 ? seconds : 1);
}

/* Explains how to send the form again. If the person reloads the page,
 * counting starts again. */
static void
repeat_give_up(struct request_context *ctx)
{
	page_unsent(ctx);
	if (count_repeats(ctx) > 0)
		set_mark(ctx, 0, 0);
}

/* Refreshes the token when there is no valid access token. */
static void
renew(struct request_context *ctx, struct str rd, bool renewed)
{
	struct refresh_result r;
	struct str token;
	struct err err;

	/* The token was refreshed, but the access cookie is missing: this
	 * browser does not keep its cookies. */
	if (renewed ||
	    credential_find_refresh(ctx, &token) != CREDENTIAL_COOKIE) {
		repeat_give_up(ctx);
		return;
	}
	if (refresh_token(ctx, token, true, &r, &err) != 0) {
		answer_unavailable(ctx, &err);
	} else if (r.answer == REFRESH_DONE) {
		send_back(ctx, rd, r.credentials.expires_in);
		credential_set_cookies(ctx, &r.credentials);
	} else if (r.answer == REFRESH_AGAIN) {
		go_by_repeat(ctx, "?renewed=1&rd=", rd);
		credential_set_cookies(ctx, &r.credentials);
	} else if (r.answer == REFRESH_TOO_LARGE) {
		page_refuse(ctx, &(struct page_refusal){
				     .status = 500, .place = TEXT("roles") });
	} else {
		repeat_give_up(ctx);
	}
}

static void
repeat(struct request_context *ctx, struct str rd, bool renewed)
{
	struct auth_result is;
	struct str token;
	struct err err;

	if (credential_authenticate(ctx, &is, &token, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (is.verdict == VERDICT_ALLOW)
		/* Another tab refreshed first, or the person has signed in. */
		send_back(ctx, rd,
			  (is.principal.expires_ms - ctx->call.now_ms) / 1000);
	else
		renew(ctx, rd, renewed);
}

void
repeat_post(struct request_context *ctx)
{
	struct str rd, renewed;
	struct err err;

	if (!http_request_is_navigation(ctx->in)) {
		answer_error(ctx, 401, "unauthorized", "Sign in first.");
		http_response_header(ctx->out, "WWW-Authenticate",
				     STR("Bearer"));
	} else if (http_request_query(ctx->in, STR("rd"), ctx->call.arena, &rd,
				      &err) != 0 ||
		   http_request_query(ctx->in, STR("renewed"), ctx->call.arena,
				      &renewed, &err) != 0) {
		answer_unread(ctx, &err,
			      "The address of this page is malformed.");
	} else if (!is_target(ctx, rd) || !may_be_repeated(ctx) ||
		   count_repeats(ctx) >= REPEATS_MAX) {
		repeat_give_up(ctx);
	} else {
		repeat(ctx, rd, renewed.p != NULL);
	}
}
