/* SPDX-License-Identifier: MIT */
/* The login page, and what it sends. */
#include "auth/login_form.h"

#include "auth/account.h"
#include "auth/answer.h"
#include "auth/login.h"
#include "auth/own.h"
#include "auth/pages.h"

struct str
login_form_target(const struct request_context *ctx, struct str rd)
{
	const struct settings *set = ctx->service->set;

	if (rd.p != NULL &&
	    own_may_lead_to(ctx, rd, set->server.login_url.n > 0))
		return rd;
	return STR("");
}

void
login_form_go(struct request_context *ctx, struct str rd)
{
	answer_redirect(ctx, 303, rd.n > 0 ? rd : own_page(ctx, ACCOUNT_PATH));
}

bool
login_form_offers_remember(const struct request_context *ctx)
{
	const struct service *s = ctx->service;

	return s->mode_ops->offers_remember != NULL &&
	       s->mode_ops->offers_remember(s->mode);
}

void
login_form_show(struct request_context *ctx, unsigned status,
		const struct login_form *form, const char *problem)
{
	struct login_page page = {
		.username = form->username,
		.rd = form->rd,
		.problem = problem,
		.done = form->done,
		.invalid = status == 401,
		.offer_remember = login_form_offers_remember(ctx),
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

void
login_form_refuse(struct request_context *ctx, const struct login_form *form,
		  const struct login_refusal *r)
{
	if (!form->form)
		answer_error(ctx, r->status, r->code, r->text);
	else if (form->resumed)
		answer_redirect(ctx, 303,
				login_again(ctx, STR("again=1"), form->rd));
	else
		login_form_show(ctx, r->status, form, r->problem);
}

void
login_form_refuse_wrong(struct request_context *ctx,
			const struct login_form *form)
{
	static const struct login_refusal wrong = {
		401, "invalid_credentials", "User name or password is wrong.",
		TEXT("login.wrong")
	};

	login_form_refuse(ctx, form, &wrong);
}

void
login_form_refuse_banned(struct request_context *ctx,
			 const struct login_form *form, int64_t seconds)
{
	if (form->form)
		page_banned(ctx, seconds, form->rd);
	else
		answer_banned(ctx, seconds);
	answer_retry_after(ctx, seconds);
}
