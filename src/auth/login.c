/* SPDX-License-Identifier: MIT */
/* Signing in. */
#include "auth/login.h"

#include "auth/account.h"
#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/authenticate.h"
#include "auth/conflict.h"
#include "auth/credential.h"
#include "auth/csrf.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "auth/refresh.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/log.h"
#include "http/cookie.h"
#include "http/form.h"
#include "http/redirect.h"

#define PRE_SESSION_BYTES 32
#define PRE_SESSION_CHARS BASE64URL_LEN(PRE_SESSION_BYTES)

struct login_form {
	struct str username, password, csrf;
	struct str rd; /* a safe return URL, or empty */
	bool remember;
	bool form; /* posted by the login page, not by a program */
	const char *done; /* key of a text about what a link has done */
	bool step; /* a user who is signed in proves again who they are */
};

/* Returns `rd`, or an empty string when it is not a permitted return URL. */
static struct str
safe_target(const struct request_context *ctx, struct str rd)
{
	const struct settings *set = ctx->service->set;

	if (rd.p != NULL &&
	    own_may_lead_to(ctx, rd, set->server.login_url.n > 0))
		return rd;
	return STR("");
}

static void
go_to_target(struct request_context *ctx, struct str rd)
{
	answer_redirect(ctx, 303, rd.n > 0 ? rd : own_page(ctx, ACCOUNT_PATH));
}

static bool
offers_remember(const struct request_context *ctx)
{
	const struct service *s = ctx->service;

	return s->mode_ops->offers_remember != NULL &&
	       s->mode_ops->offers_remember(s->mode);
}

/* Returns the value of the pre-session cookie; empty when there is no valid
 * one. */
static struct str
pre_session(const struct request_context *ctx)
{
	uint8_t bytes[PRE_SESSION_BYTES];
	struct str value;

	if (cookie_find(ctx->in, ctx->jar->login, &value) != COOKIE_FOUND ||
	    !base64url_decode(value, bytes, sizeof(bytes)))
		return STR("");
	return value;
}

static void
set_pre_session(struct request_context *ctx, struct str value, int64_t max_age)
{
	const struct settings *set = ctx->service->set;

	cookie_set(ctx->out, &ctx->jar->set, set->server.path, COOKIE_LOGIN,
		   value, max_age);
}

/* Uses the pre-session cookie that the browser has, so that users can sign in
 * in several tabs; sets a new one if there is none. */
static int
keep_pre_session(struct request_context *ctx, struct str *value,
		 struct err *err)
{
	uint8_t bytes[PRE_SESSION_BYTES];
	char *text;

	*value = pre_session(ctx);
	if (value->n > 0)
		return 0;
	text = arena_alloc(ctx->call.arena, PRE_SESSION_CHARS);
	if (text == NULL)
		return err_nomem(err);
	if (env_random(ctx->call.env, bytes, sizeof(bytes)) != 0)
		return err_norandom(err);
	base64url_encode(bytes, sizeof(bytes), text);
	*value = (struct str){ .p = text, .n = PRE_SESSION_CHARS };
	set_pre_session(ctx, *value, -1);
	return 0;
}

int
login_csrf(struct request_context *ctx, struct str *csrf, struct err *err)
{
	struct str binding;

	if (keep_pre_session(ctx, &binding, err) != 0)
		return -1;
	return csrf_token(ctx, binding, csrf, err);
}

int
login_csrf_verify(struct request_context *ctx, struct str csrf, bool *ok,
		  struct err *err)
{
	return csrf_verify(ctx, pre_session(ctx), csrf, ok, err);
}

const char *
login_csrf_problem(struct request_context *ctx)
{
	return csrf_login_problem(ctx, pre_session(ctx).n > 0);
}

/* Answers with the login page: with the input of the last attempt, and a token
 * for the next one. `problem` is the key of a text. */
static void
show_page(struct request_context *ctx, unsigned status,
	  const struct login_form *form, const char *problem)
{
	struct login_page page = {
		.username = form->username,
		.rd = form->rd,
		.problem = problem,
		.done = form->done,
		.invalid = status == 401,
		.offer_remember = offers_remember(ctx),
		.remember = form->remember,
		.step = form->step,
	};
	struct err err;

	/* Do not show an invalid name: it may be a password typed into the
	 * wrong field. */
	if (!users_may_type(ctx->call.users, page.username))
		page.username = STR("");
	if (login_csrf(ctx, &page.csrf, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	page_login(ctx, status, &page);
}

/* Answers when the access token does not identify a user. */
static void
offer_login(struct request_context *ctx, const struct login_form *form,
	    const char *problem)
{
	struct str target =
	    form->rd.n > 0 ? form->rd : own_page(ctx, ACCOUNT_PATH);
	bool done = false;

	if (conflict_is_there(ctx)) {
		problem = TEXT("login.two_cookies");
		conflict_clear(ctx);
	} else if (problem == NULL) {
		refresh_navigation(ctx, target, &done, &problem);
	}
	if (!done)
		show_page(ctx, 200, form, problem);
}

/* Asks a user who is signed in for the password. */
static void
show_step(struct request_context *ctx, struct login_form *form,
	  const struct principal *who)
{
	form->username = who->who.name;
	form->step = true;
	show_page(ctx, 200, form, NULL);
}

/* Returns the text about what a link has done before it led here. */
static const char *
done_text(const struct request_context *ctx)
{
	struct str what;
	struct err err;

	if (http_request_query(ctx->in, STR("new"), ctx->call.arena, &what,
			       &err) != 0)
		return NULL;
	if (str_eq(what, STR("password")))
		return TEXT("new.done");
	return NULL;
}

void
login_get(struct request_context *ctx)
{
	struct login_form form = { .username = STR("") };
	struct auth_result is;
	struct str token, rd, renewed, conflict, step;
	const char *problem = NULL;
	struct err err;

	if (http_request_query(ctx->in, STR("rd"), ctx->call.arena, &rd,
			       &err) != 0 ||
	    http_request_query(ctx->in, STR("renewed"), ctx->call.arena,
			       &renewed, &err) != 0 ||
	    http_request_query(ctx->in, STR("conflict"), ctx->call.arena,
			       &conflict, &err) != 0 ||
	    http_request_query(ctx->in, STR("step"), ctx->call.arena, &step,
			       &err) != 0) {
		answer_unread(ctx, &err,
			      "The address of this page is malformed.");
		return;
	}
	form.rd = safe_target(ctx, rd);
	form.done = done_text(ctx);
	if (renewed.p != NULL)
		problem = TEXT("login.no_cookies");
	else if (conflict.p != NULL)
		problem = TEXT("login.two_cookies");
	if (credential_authenticate(ctx, &is, &token, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (is.verdict == VERDICT_ALLOW && step.p != NULL)
		show_step(ctx, &form, &is.principal);
	else if (is.verdict == VERDICT_ALLOW && conflict.p == NULL)
		go_to_target(ctx, form.rd);
	else
		offer_login(ctx, &form, problem);
}

struct login_refusal {
	unsigned status;
	const char *code, *text; /* for a program */
	const char *problem; /* key of a text: for a person */
};

static const struct login_refusal refusal_wrong = {
	401, "invalid_credentials", "User name or password is wrong.",
	TEXT("login.wrong")
};

static const struct login_refusal refusal_too_large = {
	500, "token_too_large", credential_too_large, TEXT("login.too_large")
};

/* Refuses a sign-in: with a page for a form, otherwise with JSON. */
static void
login_refuse(struct request_context *ctx, const struct login_form *form,
	     const struct login_refusal *r)
{
	if (form->form)
		show_page(ctx, r->status, form, r->problem);
	else
		answer_error(ctx, r->status, r->code, r->text);
}

static int
read_form(struct request_context *ctx, struct login_form *out, struct err *err)
{
	struct form form;
	struct str remember;

	if (form_parse(ctx->in, ctx->call.arena, &form, err) != 0)
		return -1;
	*out = (struct login_form){
		.username = str_trim(form_get(&form, "username")),
		.password = form_get(&form, "password"),
		.csrf = form_get(&form, "csrf"),
		.rd = safe_target(ctx, form_get(&form, "rd")),
		.form = ctx->in->media == MEDIA_FORM,
		.step = form_get(&form, "step").n > 0,
	};
	remember = form_get(&form, "remember");
	out->remember = remember.n > 0 && !str_eq(remember, STR("0")) &&
			offers_remember(ctx);
	if (out->username.p == NULL || out->password.p == NULL) {
		return err_set(err, ERR_INPUT,
			       "username or password is missing");
	}
	return 0;
}

static void
login_hand_over(struct request_context *ctx, const struct login_form *form,
		const struct identity *who,
		const struct credentials *credentials)
{
	audit(ctx, "login", who->name, &credentials->session, NULL);
	if (form->form)
		go_to_target(ctx, form->rd);
	else
		answer_json(ctx, 200,
			    credential_json(who, credentials,
					    credential_wants_body(ctx)));
	if (credential_wants_cookies(ctx, form->form))
		credential_set_cookies(ctx, credentials);
	if (pre_session(ctx).n > 0)
		set_pre_session(ctx, STR(""), 0);
}

/* The user agent for lists of sessions: valid UTF-8 of bounded length. */
static struct str
shown_agent(struct str agent)
{
	agent = str_clip(agent, IDENTITY_TEXT_MAX);
	return str_is_utf8(agent) ? agent : STR("");
}

/* Ends the sessions that the browser has, before the new one is created: a
 * crash in between signs the user out, which is safe, whereas the reverse order
 * would leave two sessions (ASVS 7.2.4). */
static int
end_old(struct request_context *ctx, struct err *err)
{
	struct str access, refresh;

	if (credential_find(ctx, &access) > CREDENTIAL_ABSENT &&
	    credential_end(ctx, access, "session_replaced", err) != 0)
		return -1;
	if (credential_find_refresh(ctx, &refresh) > CREDENTIAL_ABSENT)
		return credential_end(ctx, refresh, "session_replaced", err);
	return 0;
}

/* Ends a new session whose token was not sent to the client. */
static void
undo_login(struct request_context *ctx, const struct credentials *credentials)
{
	struct err err;
	bool ended;

	if (store_revoke(ctx->call.store, &ctx->call, &credentials->session,
			 &ended, &err) != 0) {
		LOG(ctx->call.env->log, LOG_ERROR, "session_not_taken_back",
		    F_CSTR("reason", err.msg));
	}
}

static void
sign_in(struct request_context *ctx, const struct login_form *form,
	struct user *user)
{
	const struct service *s = ctx->service;
	struct login login = { .who = user->who,
			       .hash = user->hash,
			       .remember = form->remember,
			       .address = ctx->in->remote_addr,
			       .user_agent = shown_agent(ctx->in->user_agent) };
	struct credentials credentials;
	struct err err;
	bool still;

	if (end_old(ctx, &err) != 0 ||
	    s->mode_ops->issue(s->mode, &ctx->call, &login, &credentials,
			       &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	audit_ended(ctx, "session_limit", user->who.name, credentials.evicted,
		    NULL);
	if (credential_wants_cookies(ctx, form->form) &&
	    credentials.access.n > credential_cookie_room(ctx)) {
		undo_login(ctx, &credentials);
		LOG(ctx->call.env->log, LOG_ERROR, "cookie_too_large",
		    F_STR("user", user->who.name));
		audit(ctx, "login_failure", user->who.name, NULL,
		      "cookie_too_large");
		login_refuse(ctx, form, &refusal_too_large);
		return;
	}
	if (authenticate_confirm(ctx, user, form->password, &still, &err) !=
	    0) {
		undo_login(ctx, &credentials);
		answer_unavailable(ctx, &err);
	} else if (!still) {
		undo_login(ctx, &credentials);
		audit(ctx, "login_failure", user->who.name, NULL, "changed");
		login_refuse(ctx, form, &refusal_wrong);
	} else {
		login_hand_over(ctx, form, &user->who, &credentials);
		authenticate_rehash(ctx, user, form->password);
	}
}

static void
login_try_password(struct request_context *ctx, const struct login_form *form)
{
	struct login_result result;
	struct err err;

	if (authenticate_password(ctx, form->username, form->password, &result,
				  &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	switch (result.answer) {
	case LOGIN_RIGHT:
		sign_in(ctx, form, &result.user);
		break;
	case LOGIN_WRONG:
		login_refuse(ctx, form, &refusal_wrong);
		break;
	case LOGIN_BANNED:
		if (form->form)
			page_banned(ctx, result.retry_after, form->rd);
		else
			answer_banned(ctx, result.retry_after);
		answer_retry_after(ctx, result.retry_after);
		break;
	case LOGIN_QUEUED:
		break;
	case LOGIN_BUSY:
		if (form->form)
			page_busy(ctx, form->rd);
		else
			answer_busy(ctx);
		answer_retry_after(ctx, result.retry_after);
		break;
	}
}

/* Answers a form whose token is not valid any more. A user who signed in
 * meanwhile in another tab is redirected; this changes no state, so a foreign
 * page gains nothing by it. */
static void
answer_stale(struct request_context *ctx, const struct login_form *form)
{
	struct auth_result is;
	struct str token;
	struct err err;

	if (credential_authenticate(ctx, &is, &token, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (is.verdict == VERDICT_ALLOW && !form->step &&
		 csrf_page_is_ours(ctx) &&
		 users_fits(ctx->call.users, &is.principal.who, form->username))
		go_to_target(ctx, form->rd);
	else
		/* A program sends no form token, so this is a form. */
		show_page(ctx, 403, form, login_csrf_problem(ctx));
}

/* Prepares a sign-in that proves again who the user is: it must be the user who
 * is signed in, and `remember` stays as it is. Does nothing if the session has
 * ended meanwhile. Returns false when it is refused; then the answer is
 * complete. */
static bool
take_step(struct request_context *ctx, struct login_form *form)
{
	struct auth_result is;
	struct str token;
	struct err err;

	if (credential_authenticate(ctx, &is, &token, &err) != 0) {
		answer_unavailable(ctx, &err);
		return false;
	}
	form->step = is.verdict == VERDICT_ALLOW;
	if (!form->step)
		return true;
	if (!users_fits(ctx->call.users, &is.principal.who, form->username)) {
		answer_refusal(ctx, 403, "another_user",
			       "Another user is signed in. Sign out first.");
		return false;
	}
	form->remember = is.principal.remember;
	return true;
}

void
login_post(struct request_context *ctx)
{
	struct login_form form;
	struct err err;
	bool ok = true;

	if (read_form(ctx, &form, &err) != 0) {
		answer_unread(ctx, &err,
			      "Send one user name and one password.");
		return;
	}
	if (form.form &&
	    csrf_verify(ctx, pre_session(ctx), form.csrf, &ok, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (!ok)
		answer_stale(ctx, &form);
	else if (!form.step || take_step(ctx, &form))
		login_try_password(ctx, &form);
}
