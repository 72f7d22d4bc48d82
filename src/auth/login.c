/* SPDX-License-Identifier: MIT */
/* Signing in. */
#include "auth/login.h"

#include "auth/account.h"
#include "auth/answer.h"
#include "auth/authenticate.h"
#include "auth/conflict.h"
#include "auth/credential.h"
#include "auth/csrf.h"
#include "auth/notice.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "auth/pre_session.h"
#include "auth/refresh.h"
#include "auth/sign_in.h"
#include "http/form.h"

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
		login_form_show(ctx, 200, form, problem);
}

/* Asks a user who is signed in for the password. */
static void
show_step(struct request_context *ctx, struct login_form *form,
	  const struct principal *who)
{
	form->username = who->who.name;
	form->step = true;
	login_form_show(ctx, 200, form, NULL);
}

/* Returns the text about what a link has done before it led here. A link of
 * another site must not make the page say this. */
static const char *
done_text(const struct request_context *ctx)
{
	struct str what;
	struct err err;

	if (http_request_query(ctx->in, STR("new"), ctx->call.arena, &what,
			       &err) != 0 ||
	    !csrf_page_is_ours(ctx))
		return NULL;
	if (str_eq(what, STR("password")))
		return TEXT("new.done");
	return NULL;
}

/* The query of the login page. */
struct login_query {
	struct str rd, renewed, conflict, step, again;
};

static int
read_query(const struct request_context *ctx, struct login_query *out,
	   struct err *err)
{
	const struct {
		const char *name;
		struct str *value;
	} fields[] = {
		{ "rd", &out->rd },
		{ "renewed", &out->renewed },
		{ "conflict", &out->conflict },
		{ "step", &out->step },
		{ "again", &out->again },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (http_request_query(ctx->in, str_from(fields[i].name),
				       ctx->call.arena, fields[i].value,
				       err) != 0)
			return -1;
	}
	return 0;
}

/* Returns the text about what led here; NULL: nothing is wrong. A link of
 * another site must not make the page say that the person must begin again. */
static const char *
query_problem(const struct request_context *ctx,
	      const struct login_query *query)
{
	if (query->renewed.p != NULL)
		return TEXT("login.no_cookies");
	if (query->conflict.p != NULL)
		return TEXT("login.two_cookies");
	return query->again.p != NULL && csrf_page_is_ours(ctx) ?
		   TEXT("must.gone") :
		   NULL;
}

void
login_get(struct request_context *ctx)
{
	struct login_form form = { .username = STR("") };
	struct login_query query;
	struct auth_result is;
	struct str token;
	struct err err;

	if (read_query(ctx, &query, &err) != 0) {
		answer_unread(ctx, &err,
			      "The address of this page is malformed.");
		return;
	}
	form.rd = login_form_target(ctx, query.rd);
	form.done = done_text(ctx);
	if (credential_authenticate(ctx, &is, &token, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (is.verdict == VERDICT_ALLOW && query.step.p != NULL)
		show_step(ctx, &form, &is.principal);
	else if (is.verdict == VERDICT_ALLOW && query.conflict.p == NULL)
		login_form_go(ctx, form.rd);
	else
		offer_login(ctx, &form, query_problem(ctx, &query));
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
		.rd = login_form_target(ctx, form_get(&form, "rd")),
		.form = ctx->in->media == MEDIA_FORM,
		.step = form_get(&form, "step").n > 0,
	};
	remember = form_get(&form, "remember");
	out->remember = remember.n > 0 && !str_eq(remember, STR("0")) &&
			login_form_offers_remember(ctx);
	if (out->username.p == NULL || out->password.p == NULL) {
		return err_set(err, ERR_INPUT,
			       "username or password is missing");
	}
	return 0;
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
		sign_in_proved(ctx, form, &result.user);
		if (result.new_network && ctx->out->status < 400)
			notice_new_network(ctx, &result.user.who);
		break;
	case LOGIN_WRONG:
		login_form_refuse_wrong(ctx, form);
		break;
	case LOGIN_BANNED:
		login_form_refuse_banned(ctx, form, result.retry_after);
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
		login_form_go(ctx, form->rd);
	else
		/* A program sends no form token, so this is a form. */
		login_form_show(ctx, 403, form, login_csrf_problem(ctx));
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
	    csrf_verify(ctx, pre_session_value(ctx), form.csrf, &ok, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (!ok)
		answer_stale(ctx, &form);
	else if (!form.step || take_step(ctx, &form))
		login_try_password(ctx, &form);
}
