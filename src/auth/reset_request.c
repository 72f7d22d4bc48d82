/* SPDX-License-Identifier: MIT */
/* The page for a forgotten password. */
#include "auth/reset_request.h"

#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/login.h"
#include "auth/login_form.h"
#include "auth/own.h"
#include "auth/page_frame.h"
#include "auth/reset_mail.h"
#include "auth/throttle.h"
#include "base/buf.h"
#include "base/enc.h"
#include "http/form.h"

#define RESET_LOCATION_MAX (32 * 1024)

struct reset_form {
	struct str username, csrf;
	struct str rd; /* a safe return URL, or empty */
};

/* Returns false if there is no such page; then the answer is complete. */
static bool
is_offered(struct request_context *ctx)
{
	if (ctx->service->set->account.reset == RESET_MAIL)
		return true;
	answer_refusal(ctx, 404, "not_found", "Not found.");
	return false;
}

static void
show_request(struct request_context *ctx, unsigned status,
	     struct forgot_page *page)
{
	struct err err;

	page->by_email = users_can(ctx->call.users, USERS_EMAILS);
	if (!page->sent && login_csrf(ctx, &page->csrf, &err) != 0)
		answer_unavailable(ctx, &err);
	else
		page_forgot(ctx, status, page);
}

void
reset_request_get(struct request_context *ctx)
{
	struct forgot_page page = { .sent = false };
	struct str rd, sent;
	struct err err;

	if (!is_offered(ctx))
		return;
	if (http_request_query(ctx->in, STR("rd"), ctx->call.arena, &rd,
			       &err) != 0 ||
	    http_request_query(ctx->in, STR("sent"), ctx->call.arena, &sent,
			       &err) != 0) {
		answer_unread(ctx, &err,
			      "The address of this page is malformed.");
		return;
	}
	page.rd = login_form_target(ctx, rd);
	page.sent = sent.p != NULL;
	show_request(ctx, 200, &page);
}

/* Counts the request under the address of the client. *counted is false if
 * there were too many. */
static int
count_address(struct request_context *ctx, bool *counted, struct err *err)
{
	static const int64_t max[BAN_ADDRESS_KEYS] = {
		RESET_ADDRESS_MAX, RESET_ADDRESS_MAX * RESET_WIDER
	};
	struct login_keys k = { .window_ms = RESET_WINDOW_MS };
	struct str keys[BAN_ADDRESS_KEYS];
	struct login_count count;

	*counted = true;
	if (throttle_trusts(ctx))
		return 0;
	if (ban_key_address(ctx->call.arena, ctx->in->remote_addr, keys, &k.n,
			    err) != 0)
		return -1;
	for (size_t i = 0; i < k.n; i++) {
		k.v[i].max = max[i];
		if (ban_key_mail(ctx->call.arena, keys[i], &k.v[i].key, err) !=
		    0)
			return -1;
	}
	if (store_count(ctx->call.store, &ctx->call, &k, &count, err) != 0)
		return -1;
	*counted = count.counted;
	return 0;
}

static void
refuse_often(struct request_context *ctx)
{
	audit_bounded(ctx, &ctx->service->shared->log_limits->banned,
		      "reset_asked", STR(""), "limited_address");
	answer_refusal_page(ctx, "too_many_attempts",
			    "Too many mails were asked for from this network. "
			    "Please try again in an hour.",
			    &(struct page_refusal){ .status = 429,
						    .place = TEXT("often") });
	answer_retry_after(ctx, RESET_WINDOW_MS / 1000);
}

static struct str
sent_location(struct request_context *ctx, struct str rd)
{
	const char *page;
	struct buf b;

	buf_init(&b, ctx->call.arena, RESET_LOCATION_MAX);
	buf_add(&b, STR(RESET_PATH "?sent=1"));
	if (rd.n > 0) {
		buf_add(&b, STR("&rd="));
		percent_encode(&b, rd);
	}
	page = arena_cstr(ctx->call.arena, buf_str(&b));
	if (buf_failed(&b) || page == NULL) {
		ctx->out->failed = true;
		return STR("");
	}
	return own_page(ctx, page);
}

/* Does the same for every text. */
static void
take_request(struct request_context *ctx, const struct reset_form *form)
{
	bool counted;
	struct err err;

	if (count_address(ctx, &counted, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (!counted)
		refuse_often(ctx);
	else if (reset_mail_ask(ctx, form->username,
				page_language(ctx, 200)->tag, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (answer_is_for_form(ctx))
		answer_redirect(ctx, 303, sent_location(ctx, form->rd));
	else
		answer_status(ctx, 202);
}

static int
reset_read_form(struct request_context *ctx, struct reset_form *out,
		struct err *err)
{
	struct form form;

	if (form_parse(ctx->in, ctx->call.arena, &form, err) != 0)
		return -1;
	*out = (struct reset_form){
		.username = str_trim(form_get(&form, "username")),
		.csrf = form_get(&form, "csrf"),
		.rd = login_form_target(ctx, form_get(&form, "rd")),
	};
	return out->username.p != NULL ?
		   0 :
		   err_set(err, ERR_INPUT, "username is missing");
}

void
reset_request_post(struct request_context *ctx)
{
	struct forgot_page page = { .sent = false };
	struct reset_form form;
	bool ok = true;
	struct err err;

	if (!is_offered(ctx))
		return;
	if (reset_read_form(ctx, &form, &err) != 0) {
		answer_unread(ctx, &err,
			      "Send one user name or e-mail address.");
		return;
	}
	if (ctx->in->media == MEDIA_FORM &&
	    login_csrf_verify(ctx, form.csrf, &ok, &err) != 0) {
		answer_unavailable(ctx, &err);
	} else if (!ok) {
		page.rd = form.rd;
		page.problem = login_csrf_problem(ctx);
		show_request(ctx, 403, &page);
	} else {
		take_request(ctx, &form);
	}
}
