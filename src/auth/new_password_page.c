/* SPDX-License-Identifier: MIT */
/* The page on which a person chooses a new password. */
#include "auth/new_password_page.h"

#include "auth/answer.h"
#include "auth/login.h"
#include "auth/pages.h"
#include "base/buf.h"

static const struct {
	const char *heading, *lead, *submit;
} places[] = {
	[PLACE_RESET] = { TEXT("account.change"), TEXT("reset.lead"),
			  TEXT("account.change") },
	[PLACE_INVITE] = { TEXT("invite.title"), TEXT("invite.lead"),
			   TEXT("invite.title") },
	[PLACE_MUST_CHANGE] = { TEXT("must.title"), TEXT("must.lead"),
				TEXT("must.submit") },
};

const char *
new_password_reason(const struct password_verdict *verdict, int64_t *n)
{
	*n = verdict->fault == PASSWORD_TOO_LONG ? PASSWORD_MAX_BYTES :
						   verdict->missing;
	switch (verdict->fault) {
	case PASSWORD_TOO_SHORT:
		return TEXT("refusal.short");
	case PASSWORD_TOO_LONG:
		return TEXT("refusal.long");
	case PASSWORD_LIKE_NAME:
		return TEXT("refusal.like_name");
	case PASSWORD_COMMON:
	case PASSWORD_LISTED:
		return TEXT("refusal.common");
	case PASSWORD_NO_TEXT:
	case PASSWORD_FINE:
		break;
	}
	return TEXT("refusal.no_text");
}

void
new_password_show(struct request_context *ctx, unsigned status,
		  const struct new_password_page *page)
{
	const struct html_var problem[] = {
		HTML_VALUE("reason", str_from(page->problem)),
		HTML_VALUE("n", page_number(ctx, page->n)),
	};
	const struct html_list problems = { .vars = problem,
					    .width = ARRAY_LEN(problem),
					    .rows = page->problem != NULL };
	const int64_t min = ctx->service->set->password.min_length;
	const bool wrong = page->problem != NULL;
	struct str csrf;
	struct err err;

	if (login_csrf(ctx, &csrf, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	struct html_var vars[] = {
		HTML_VALUE("csrf", csrf),
		HTML_VALUE("ticket", page->ticket),
		HTML_VALUE("rd", page->rd),
		HTML_VALUE("heading", str_from(places[page->place].heading)),
		HTML_VALUE("lead", str_from(places[page->place].lead)),
		HTML_VALUE("submit", str_from(places[page->place].submit)),
		HTML_VALUE("user", page->who.name),
		HTML_FLAG("open", page->who.name.n == 0),
		HTML_VALUE("username", page->username),
		HTML_VALUE("roles", page->who.roles),
		HTML_VALUE("n", page_number(ctx, min)),
		HTML_LIST("problems", &problems),
		HTML_FLAG("bad_name", wrong && page->bad_name),
		HTML_FLAG("bad_password", wrong && !page->bad_name),
	};

	page_write(ctx, status, PAGE_NEW_PASSWORD, vars, ARRAY_LEN(vars));
}

static void
new_password_unfit(struct request_context *ctx, struct new_password_page *page,
		   const struct password_verdict *verdict)
{
	const struct password_policy policy =
	    new_password_policy(ctx, &page->who);
	char buf[PASSWORD_REFUSAL_MAX];

	if (answer_is_for_form(ctx)) {
		page->problem = new_password_reason(verdict, &page->n);
		new_password_show(ctx, 422, page);
	} else {
		answer_json(ctx, 422,
			    json_pack("{s:s, s:s}", "error", "password_refused",
				      "error_description",
				      password_refusal(verdict, &policy, buf)));
	}
}

static void
new_password_same(struct request_context *ctx, struct new_password_page *page)
{
	page->problem = TEXT("account.same");
	if (answer_is_for_form(ctx))
		new_password_show(ctx, 422, page);
	else
		answer_error(ctx, 422, "password_refused",
			     "The new password is the same as the current "
			     "one.");
}

void
new_password_differs(struct request_context *ctx,
		     struct new_password_page *page)
{
	page->problem = TEXT("new.differ");
	if (answer_is_for_form(ctx))
		new_password_show(ctx, 422, page);
	else
		answer_error(ctx, 422, "password_refused",
			     "The two new passwords differ.");
}

static void
new_password_busy(struct request_context *ctx, struct new_password_page *page,
		  int64_t retry_after)
{
	page->problem = TEXT("account.busy");
	if (answer_is_for_form(ctx))
		new_password_show(ctx, 503, page);
	else
		answer_busy(ctx);
	answer_retry_after(ctx, retry_after);
}

void
new_password_refuse(struct request_context *ctx, struct new_password_page *page,
		    const struct new_password_result *result)
{
	switch (result->answer) {
	case NEW_PASSWORD_REFUSED:
		new_password_unfit(ctx, page, &result->verdict);
		break;
	case NEW_PASSWORD_SAME:
		new_password_same(ctx, page);
		break;
	case NEW_PASSWORD_ELSEWHERE:
		answer_refusal_page(ctx, "forbidden",
				    "Passwords are not changed here.",
				    &(struct page_refusal){
					.status = 403,
					.place = TEXT("link_gone") });
		break;
	case NEW_PASSWORD_QUEUED:
		break;
	case NEW_PASSWORD_BUSY:
	case NEW_PASSWORD_STALE:
	case NEW_PASSWORD_HASHED:
	case NEW_PASSWORD_DONE:
		new_password_busy(ctx, page, result->retry_after);
		break;
	}
}
