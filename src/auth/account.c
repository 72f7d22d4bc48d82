/* SPDX-License-Identifier: MIT */
/* The account page, and the change of the password. */
#include "auth/account.h"

#include "auth/answer.h"
#include "auth/authenticate.h"
#include "auth/credential.h"
#include "auth/csrf.h"
#include "auth/login.h"
#include "auth/new_password_page.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "auth/refresh.h"
#include "auth/signed_in.h"
#include "base/secret.h"

/* This page says that the password was changed. */
#define CHANGED_PATH ACCOUNT_PATH "?changed=1"

/* Sends a person who is not signed in to the login page, from which they
 * return. */
static void
account_sign_in_first(struct request_context *ctx)
{
	const struct str here = own_page(ctx, ACCOUNT_PATH);
	const char *problem;
	struct str location;
	bool done = false;
	struct err err;

	if (!http_request_is_navigation(ctx->in)) {
		answer_sign_in_first(ctx);
		return;
	}
	refresh_navigation(ctx, here, &done, &problem);
	if (done)
		return;
	if (login_location(ctx, here, &location, &err) != 0)
		answer_unavailable(ctx, &err);
	else
		answer_redirect(ctx, 303, location);
}

void
account_get(struct request_context *ctx)
{
	struct account_notice notice = { .reason = NULL };
	struct auth_result is;
	struct str token, changed;
	struct err err;

	if (http_request_query(ctx->in, STR("changed"), ctx->call.arena,
			       &changed, &err) != 0) {
		answer_unread(ctx, &err, "The address is malformed.");
		return;
	}
	/* A link of another site must not make the page say this. */
	notice.done = changed.p != NULL && csrf_page_is_ours(ctx);
	if (credential_authenticate(ctx, &is, &token, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (is.verdict != VERDICT_ALLOW)
		account_sign_in_first(ctx);
	else if (account_page(ctx, &is.principal, 200, &notice, &err) != 0)
		answer_unavailable(ctx, &err);
}

/* The request to change a password. */
struct password_form {
	struct principal who;
	struct str current, new;
};

/* A refusal, for a program and for a person. */
struct password_answer_text {
	unsigned status;
	const char *code, *text; /* text in English */
	struct account_notice notice;
};

static void
refuse_change(struct request_context *ctx, const struct password_form *form,
	      const struct password_answer_text *a)
{
	struct err err;

	if (!answer_is_for_form(ctx))
		answer_error(ctx, a->status, a->code, a->text);
	else if (account_page(ctx, &form->who, a->status, &a->notice, &err) !=
		 0)
		answer_unavailable(ctx, &err);
}

static void
refuse_new(struct request_context *ctx, const struct password_form *form,
	   const struct password_verdict *verdict)
{
	const struct password_policy policy =
	    new_password_policy(ctx, &form->who.who);
	char buf[PASSWORD_REFUSAL_MAX];
	struct password_answer_text a = {
		.status = 422,
		.code = "password_refused",
		.text = arena_cstr(ctx->call.arena,
				   str_from(password_refusal(verdict, &policy,
							     buf))),
		.notice = { .refused = true },
	};

	a.notice.reason = new_password_reason(verdict, &a.notice.n);
	if (a.text == NULL)
		ctx->out->failed = true;
	refuse_change(ctx, form, &a);
}

static void
refuse_busy(struct request_context *ctx, const struct password_form *form,
	    int64_t seconds)
{
	const struct account_notice notice = { .reason = TEXT("account.busy") };
	struct err err;

	if (!answer_is_for_form(ctx)) {
		answer_busy(ctx);
	} else if (account_page(ctx, &form->who, 503, &notice, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	answer_retry_after(ctx, seconds);
}

static void
answer_changed(struct request_context *ctx)
{
	if (answer_is_for_form(ctx))
		answer_redirect(ctx, 303, own_page(ctx, CHANGED_PATH));
	else
		answer_status(ctx, 204);
}

static const struct password_answer_text stale_answer = {
	.status = 409,
	.code = "conflict",
	.text = "The user was changed at the same moment. Please try again.",
	.notice = { .reason = TEXT("account.stale") },
};

static const struct password_answer_text elsewhere_answer = {
	.status = 403,
	.code = "password_elsewhere",
	.text = "The password of this user cannot be changed here.",
	.notice = { .reason = NULL },
};

static const struct password_answer_text same_answer = {
	.status = 422,
	.code = "password_refused",
	.text = "The new password is the same as the current one.",
	.notice = { .reason = TEXT("account.same"), .refused = true },
};

static const struct password_answer_text wrong_answer = {
	.status = 401,
	.code = "invalid_credentials",
	.text = "The current password is wrong.",
	.notice = { .reason = TEXT("account.wrong"), .wrong = true },
};

/* The current password was right. */
static void
change_password(struct request_context *ctx, const struct password_form *form,
		const struct user *user)
{
	const struct new_password n = { .user = user,
					.password = form->new,
					.keep = &form->who.session,
					.had_slot = true };
	struct new_password_result result;
	struct err err;

	if (new_password_give(ctx, &n, &result, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	switch (result.answer) {
	case NEW_PASSWORD_DONE:
		answer_changed(ctx);
		break;
	case NEW_PASSWORD_SAME:
		refuse_change(ctx, form, &same_answer);
		break;
	case NEW_PASSWORD_REFUSED:
		refuse_new(ctx, form, &result.verdict);
		break;
	case NEW_PASSWORD_ELSEWHERE:
		refuse_change(ctx, form, &elsewhere_answer);
		break;
	case NEW_PASSWORD_BUSY:
		refuse_busy(ctx, form, result.retry_after);
		break;
	case NEW_PASSWORD_STALE:
	case NEW_PASSWORD_HASHED:
		refuse_change(ctx, form, &stale_answer);
		break;
	case NEW_PASSWORD_QUEUED:
		break;
	}
}

static void
refuse_banned_change(struct request_context *ctx, int64_t seconds)
{
	if (answer_is_for_form(ctx))
		page_banned(ctx, seconds, own_page(ctx, ACCOUNT_PATH));
	else
		answer_banned(ctx, seconds);
	answer_retry_after(ctx, seconds);
}

/* The current password is verified like that of a sign-in: regulated, and in a
 * hash slot. */
static void
verify_and_change(struct request_context *ctx, const struct password_form *form)
{
	struct login_result result;
	struct err err;

	if (authenticate_password(ctx, form->who.who.name, form->current,
				  &result, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	switch (result.answer) {
	case LOGIN_RIGHT:
		if (secret_equal(form->new, form->current))
			refuse_change(ctx, form, &same_answer);
		else
			change_password(ctx, form, &result.user);
		break;
	case LOGIN_WRONG:
		refuse_change(ctx, form, &wrong_answer);
		break;
	case LOGIN_BANNED:
		refuse_banned_change(ctx, result.retry_after);
		break;
	case LOGIN_BUSY:
		refuse_busy(ctx, form, result.retry_after);
		break;
	case LOGIN_QUEUED:
		break;
	}
}

/* Takes the passwords of the body. Returns false if one is missing. */
static bool
take_passwords(struct password_form *out, const struct form *form)
{
	out->current = form_get(form, "current");
	out->new = form_get(form, "new");
	return out->current.p != NULL && out->new.p != NULL;
}

void
account_password_post(struct request_context *ctx)
{
	struct password_form passwords;
	struct form form;

	if (!signed_in_find(ctx, &passwords.who) ||
	    !signed_in_form(ctx, &passwords.who, &form))
		return;
	if (!take_passwords(&passwords, &form))
		answer_refusal(ctx, 400, "invalid_request",
			       "Send the current and the new password.");
	else if (new_password_is_possible(ctx))
		verify_and_change(ctx, &passwords);
	else
		refuse_change(ctx, &passwords, &elsewhere_answer);
}
