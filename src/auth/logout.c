/* SPDX-License-Identifier: MIT */
/* Signing out. */
#include "auth/login.h"

#include <string.h>

#include "auth/answer.h"
#include "auth/conflict.h"
#include "auth/credential.h"
#include "auth/csrf.h"
#include "auth/left_over.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "auth/refresh.h"
#include "http/cookie.h"
#include "http/form.h"

/* Two cookies conflict: the user is unknown, but signing out ends both
 * sessions. */
static void
ask_about_both(struct request_context *ctx)
{
	struct str csrf;
	struct err err;

	conflict_clear_login(ctx);
	if (login_csrf(ctx, &csrf, &err) != 0)
		answer_unavailable(ctx, &err);
	else
		page_logout(ctx, csrf, STR(""));
}

void
logout_get(struct request_context *ctx)
{
	struct str token, csrf = STR("");
	struct auth_result is;
	struct err err;
	const char *problem;
	bool done = false;

	if (conflict_of_sessions(ctx)) {
		ask_about_both(ctx);
		return;
	}
	if (credential_identify(ctx, &is, &token, &err) != 0 ||
	    (is.verdict == VERDICT_ALLOW &&
	     csrf_token(ctx, csrf_binding(&is.principal), &csrf, &err) != 0)) {
		answer_unavailable(ctx, &err);
		return;
	}
	/* Only the access token may have expired: redirect to this page with a
	 * new one, so that there is a session to sign out of. */
	if (is.verdict != VERDICT_ALLOW) {
		refresh_navigation(ctx, ctx->in->uri, &done, &problem);
		/* There may be a session nevertheless: show the button; the
		 * browser must confirm that this page sent the form. */
		if (credential_find_refresh(ctx, &token) == CREDENTIAL_COOKIE)
			csrf = STR("none");
	}
	if (done)
		return;
	if (csrf.n > 0)
		page_logout(ctx, csrf, is.principal.who.name);
	else
		page_signed_out(ctx);
}

/*
 * Checks that one of our pages sent the form. If the session is unknown, the
 * token proves nothing: then the browser must confirm by its headers that the
 * page was ours, unless there is nothing to end.
 */
static int
check_form(struct request_context *ctx, bool refresh_cookie,
	   struct str *body_token, bool *ok, struct err *err)
{
	struct auth_result is = { .verdict = VERDICT_DENY };
	struct form form;
	struct str token, in_body;
	bool proven = true;

	if (form_parse(ctx->in, ctx->call.arena, &form, err) != 0)
		return -1;
	in_body = form_get(&form, "refresh_token");
	/* A client that sends the refresh token itself needs no form token. */
	if (ctx->in->media == MEDIA_FORM && in_body.n == 0) {
		if (credential_identify(ctx, &is, &token, err) != 0 ||
		    (is.verdict == VERDICT_ALLOW &&
		     csrf_verify(ctx, csrf_binding(&is.principal),
				 form_get(&form, "csrf"), &proven, err) != 0))
			return -1;
		if (is.verdict != VERDICT_ALLOW)
			proven =
			    !refresh_cookie || ctx->in->origin.p != NULL ||
			    str_eq(ctx->in->fetch_site, STR("same-origin"));
	}
	*ok = proven;
	*body_token = in_body;
	return 0;
}

static bool
is_session(const struct session_id *a, const struct session_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static void
answer_signed_out(struct request_context *ctx)
{
	if (answer_is_for_form(ctx))
		answer_redirect(ctx, 303, own_page(ctx, "/logout"));
	else
		answer_status(ctx, 204);
}

/* The credentials of the request: one Bearer token, or the cookies of a
 * browser. */
struct logout_credentials {
	enum credential_answer how, refresh_how;
	struct str access, refresh;
	struct str in_body; /* a refresh token; empty when there is none */
};

/* Finds the session of the refresh cookie; zero when there is no valid one. */
static int
refresh_session(struct request_context *ctx, const struct logout_credentials *p,
		struct named_session *out, struct err *err)
{
	const struct service *s = ctx->service;

	if (p->refresh_how == CREDENTIAL_COOKIE)
		return s->mode_ops->session_of(s->mode, &ctx->call, p->refresh,
					       out, err);
	*out = (struct named_session){ .ours = false };
	return 0;
}

/* Sets *same to whether the cookies of the browser belong to this session, or
 * to none that is still valid. */
static int
cookies_belong(struct request_context *ctx, const struct logout_credentials *p,
	       const struct session_id *session, bool *same, struct err *err)
{
	struct auth_result is = { .verdict = VERDICT_DENY };
	struct named_session other;
	struct str token;
	enum cookie_answer found =
	    cookie_find(ctx->in, ctx->jar->access, &token);

	if ((found == COOKIE_FOUND &&
	     credential_read(ctx, token, &is, err) != 0) ||
	    refresh_session(ctx, p, &other, err) != 0)
		return -1;
	if (is.verdict == VERDICT_ALLOW)
		*same = is_session(&is.principal.session, session);
	else if (p->refresh_how == CREDENTIAL_COOKIE)
		*same = is_session(&other.id, session);
	else
		/* Invalid, and there is no refresh cookie. */
		*same = found == COOKIE_FOUND;
	return 0;
}

/*
 * Sets *cookies to whether the sign-out includes the cookies. A client that
 * presents a Bearer token signs out of that session, and of the cookies only
 * when they belong to the same session: the cookie of another valid session
 * must not be cleared.
 */
static int
means_cookies(struct request_context *ctx, const struct logout_credentials *p,
	      bool *cookies, struct err *err)
{
	const struct service *s = ctx->service;
	struct auth_result is;
	struct str token;

	if (p->how != CREDENTIAL_BEARER) {
		*cookies = true;
		return 0;
	}
	if (s->mode_ops->authenticate(s->mode, &ctx->call, p->access, &is,
				      err) != 0)
		return -1;
	if (is.verdict == VERDICT_ALLOW)
		return cookies_belong(ctx, p, &is.principal.session, cookies,
				      err);
	/* Nothing was ended. A cookie with the same token is invalid, too, and
	 * may be cleared. */
	*cookies =
	    p->refresh_how != CREDENTIAL_COOKIE &&
	    cookie_find(ctx->in, ctx->jar->access, &token) == COOKIE_FOUND &&
	    str_eq(token, p->access);
	return 0;
}

/* Ends the session in the store first and clears the cookies afterwards: in the
 * other order, a failure of the store would leave a valid session behind that
 * the user believes ended. */
static void
sign_out(struct request_context *ctx, const struct logout_credentials *p)
{
	struct err err;
	bool cookies;

	if (means_cookies(ctx, p, &cookies, &err) != 0 ||
	    (p->how != CREDENTIAL_ABSENT &&
	     credential_end(ctx, p->access, "logout", &err) != 0) ||
	    (p->how != CREDENTIAL_BEARER &&
	     p->refresh_how == CREDENTIAL_COOKIE &&
	     credential_end(ctx, p->refresh, "logout", &err) != 0) ||
	    (p->how != CREDENTIAL_BEARER && left_over_end(ctx, &err) != 0)) {
		answer_unavailable(ctx, &err);
		return;
	}
	answer_signed_out(ctx);
	if (p->how != CREDENTIAL_BEARER)
		left_over_clear(ctx);
	if (cookies)
		credential_clear_cookies(ctx);
}

/* Ends the session of a refresh token in the body, and nothing else that the
 * browser sent with it: a foreign page could have posted the token. */
static void
end_by_body(struct request_context *ctx, struct str token)
{
	struct err err;

	if (credential_end(ctx, token, "logout", &err) != 0)
		answer_unavailable(ctx, &err);
	else
		answer_signed_out(ctx);
}

/* Two credentials conflict. A program gets an error, because its intention
 * must not be guessed. A form of our page ends both sessions. */
static void
sign_out_both(struct request_context *ctx)
{
	struct form form;
	struct err err;
	bool ok = false;

	if (ctx->in->media == MEDIA_FORM && conflict_of_sessions(ctx) &&
	    form_parse(ctx->in, ctx->call.arena, &form, &err) == 0 &&
	    login_csrf_verify(ctx, form_get(&form, "csrf"), &ok, &err) != 0) {
		answer_unavailable(ctx, &err);
	} else if (!ok) {
		answer_refusal_page(ctx, "invalid_token",
				    "More than one credential was sent.",
				    &(struct page_refusal){
					.status = 401, .place = TEXT("two") });
	} else if (conflict_end(ctx, &err) != 0) {
		answer_unavailable(ctx, &err);
	} else {
		answer_signed_out(ctx);
		conflict_clear(ctx);
		credential_clear_cookies(ctx);
	}
}

void
logout_post(struct request_context *ctx)
{
	struct logout_credentials p;
	struct err err;
	bool ok;

	p.how = credential_find(ctx, &p.access);
	p.refresh_how = credential_find_refresh(ctx, &p.refresh);
	if (p.how == CREDENTIAL_REFUSED ||
	    p.refresh_how == CREDENTIAL_REFUSED) {
		sign_out_both(ctx);
	} else if (check_form(ctx,
			      p.refresh_how == CREDENTIAL_COOKIE ||
				  left_over_is_here(ctx),
			      &p.in_body, &ok, &err) != 0) {
		answer_unread(ctx, &err, "The form is malformed.");
	} else if (!ok) {
		csrf_refuse_form(ctx);
	} else if (p.in_body.n > 0) {
		end_by_body(ctx, p.in_body);
	} else {
		sign_out(ctx, &p);
	}
}
