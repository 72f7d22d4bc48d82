/* SPDX-License-Identifier: MIT */
/* A new password before a sign-in is complete. */
#include "auth/must_change.h"

#include "strategy/factors.h"
#include "strategy/registry.h"
#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/csrf.h"
#include "auth/login.h"
#include "auth/login_ticket.h"
#include "auth/new_password_page.h"
#include "auth/pages.h"
#include "auth/sign_in.h"
#include "auth/throttle.h"
#include "base/buf.h"
#include "http/form.h"

#define CODE "password_change_required"

int
must_change_is_due(struct request_context *ctx, const struct user *user,
		   bool *due, struct err *err)
{
	struct account account = { .must_change = false };

	if (ctx->call.factors != NULL &&
	    factors_account(ctx->call.factors, &ctx->call, user->who.name,
			    &account, err) != 0)
		return -1;
	*due = account.must_change;
	return 0;
}

/* Says where the password can be changed. */
static void
refuse_elsewhere(struct request_context *ctx, const struct login_form *form)
{
	const char *driver = ctx->service->set->users.driver->name;
	const char *elsewhere = registry_user_source(driver)->elsewhere;
	struct buf text;

	if (form->form) {
		page_refuse(ctx, &(struct page_refusal){
				     .status = 403,
				     .place = TEXT("must_elsewhere") });
		return;
	}
	buf_init(&text, ctx->call.arena, 512);
	buf_printf(&text,
		   "The password must be changed before the sign-in, which is "
		   "not possible here: %s.%c",
		   elsewhere != NULL ? elsewhere :
				       "change it where the users are kept",
		   '\0');
	if (buf_failed(&text))
		ctx->out->failed = true;
	else
		answer_error(ctx, 403, CODE, buf_str(&text).p);
}

/* What the page shows, besides what was wrong. */
static struct new_password_page
page_of(const struct login_form *form, const struct user *user,
	struct str ticket)
{
	return (struct new_password_page){
		.place = PLACE_MUST_CHANGE,
		.who = { .name = user->who.name, .email = user->who.email },
		.ticket = ticket,
		.rd = form->rd,
	};
}

void
must_change_ask(struct request_context *ctx, const struct login_form *form,
		const struct user *user)
{
	struct new_password_page page;
	struct str ticket;
	struct err err;

	if (!new_password_is_possible(ctx)) {
		audit(ctx, "login_failure", user->who.name, NULL,
		      "must_change_elsewhere");
		refuse_elsewhere(ctx, form);
		return;
	}
	if (login_ticket_make(ctx, user, form->remember, &ticket, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	audit(ctx, "login_incomplete", user->who.name, NULL, "must_change");
	page = page_of(form, user, ticket);
	if (form->form)
		new_password_show(ctx, 200, &page);
	else
		answer_json(ctx, 403,
			    json_pack("{s:s, s:s, s:s%}", "error", CODE,
				      "error_description",
				      "The password must be changed first.",
				      "ticket", ticket.p, ticket.n));
}

/* What is sent for a new password. */
struct must_change {
	struct login_form form; /* its password is the new one */
	struct str again, text;
	struct login_ticket ticket;
};

static int
read_must_change(struct request_context *ctx, struct must_change *out,
		 struct err *err)
{
	struct form form;

	if (form_parse(ctx->in, ctx->call.arena, &form, err) != 0)
		return -1;
	*out = (struct must_change){
		.form = { .password = form_get(&form, "new"),
			  .csrf = form_get(&form, "csrf"),
			  .rd = login_form_target(ctx, form_get(&form, "rd")),
			  .form = ctx->in->media == MEDIA_FORM,
			  .resumed = true },
		.again = form_get(&form, "again"),
		.text = form_get(&form, "ticket"),
	};
	return out->form.password.p != NULL && out->text.p != NULL ?
		   0 :
		   err_set(err, ERR_INPUT, "a field is missing");
}

/* Answers that the person has to begin again. */
static void
answer_no_ticket(struct request_context *ctx, const struct login_form *form)
{
	login_form_refuse(ctx, form,
			  &(struct login_refusal){ .status = 401,
						   .code = "invalid_ticket",
						   .text = "Sign in again.",
						   .problem =
						       TEXT("must.gone") });
}

/* A ban may have begun since the password was verified. Returns true if there
 * is none; otherwise the answer is complete. */
static bool
is_not_banned(struct request_context *ctx, const struct must_change *m)
{
	struct throttle throttle;
	int64_t seconds;
	struct err err;

	if (throttle_begin(ctx, m->ticket.secret.user, &throttle, &err) != 0 ||
	    throttle_wait(ctx, &throttle, &seconds, &err) != 0) {
		answer_unavailable(ctx, &err);
		return false;
	}
	if (seconds > 0)
		login_form_refuse_banned(ctx, &m->form, seconds);
	return seconds == 0;
}

/* Finds the ticket. Returns false if it must not be used; then the answer is
 * complete. */
static bool
find_ticket(struct request_context *ctx, struct must_change *m)
{
	struct err err;
	bool valid;

	if (login_ticket_find(ctx, m->text, &m->ticket, &valid, &err) != 0) {
		answer_unavailable(ctx, &err);
		return false;
	}
	if (!valid) {
		answer_no_ticket(ctx, &m->form);
		return false;
	}
	m->form.username = m->ticket.user.who.name;
	m->form.remember =
	    m->ticket.remember && login_form_offers_remember(ctx);
	return is_not_banned(ctx, m);
}

/* Moves the time of the request on: a mode that ends tokens by their time would
 * end those of this moment with the others. */
static void
begin_later(struct request_context *ctx)
{
	const int64_t now_ms = env_wall_ms(ctx->call.env);

	ctx->call.now_ms =
	    now_ms > ctx->call.now_ms ? now_ms : ctx->call.now_ms + 1;
}

/* The ticket was taken. */
static void
set_and_sign_in(struct request_context *ctx, struct must_change *m,
		const struct new_password *n,
		struct new_password_result *result)
{
	struct err err;

	if (new_password_set(ctx, n, result, &err) != 0) {
		login_ticket_put_back(ctx, &m->ticket);
		answer_unavailable(ctx, &err);
	} else if (result->answer != NEW_PASSWORD_DONE) {
		answer_no_ticket(ctx, &m->form);
	} else {
		m->ticket.user.hash = str_from(result->hash);
		begin_later(ctx);
		sign_in_proved(ctx, &m->form, &m->ticket.user);
	}
}

static void
use_ticket(struct request_context *ctx, struct must_change *m,
	   struct new_password_page *page)
{
	const struct new_password n = { .user = &m->ticket.user,
					.password = m->form.password,
					.why = "must_change",
					.must_differ = true };
	struct new_password_result result;
	struct err err;
	bool taken;

	if (new_password_hash(ctx, &n, &result, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (result.answer == NEW_PASSWORD_ELSEWHERE)
		refuse_elsewhere(ctx, &m->form);
	else if (result.answer != NEW_PASSWORD_HASHED)
		new_password_refuse(ctx, page, &result);
	else if (login_ticket_take(ctx, &m->ticket, &taken, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (!taken)
		answer_no_ticket(ctx, &m->form);
	else
		set_and_sign_in(ctx, m, &n, &result);
}

void
must_change_post(struct request_context *ctx)
{
	struct new_password_page page;
	struct must_change m;
	struct err err;
	bool ok = true;

	if (read_must_change(ctx, &m, &err) != 0) {
		answer_unread(ctx, &err, "Send one ticket and one password.");
		return;
	}
	if (m.form.form &&
	    login_csrf_verify(ctx, m.form.csrf, &ok, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	if (!ok) {
		csrf_refuse_form(ctx);
		return;
	}
	if (!find_ticket(ctx, &m))
		return;
	page = page_of(&m.form, &m.ticket.user, m.text);
	if ((m.form.form || m.again.p != NULL) &&
	    !str_eq(m.form.password, m.again))
		new_password_differs(ctx, &page);
	else
		use_ticket(ctx, &m, &page);
}
