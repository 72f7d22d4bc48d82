/* SPDX-License-Identifier: MIT */
/* Links that work once. */
#include "auth/one_time_link.h"

#include "strategy/one_time.h"
#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/login.h"
#include "auth/new_password_page.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "base/log.h"
#include "http/form.h"

/* A link of a request. */
struct link {
	struct one_time_hash hash;
	struct one_time secret;
	struct user user; /* the one that it is for, or that it makes */
};

struct link_form {
	struct str csrf, username, password, again;
};

static void
answer_gone(struct request_context *ctx)
{
	answer_refusal_page(ctx, "not_found", "This link does not work.",
			    &(struct page_refusal){
				.status = 404, .place = TEXT("link_gone") });
}

/* Finds the user of a link for a new password; *valid is false if they must not
 * get one. */
static int
link_find_user(struct request_context *ctx, struct link *link, bool *valid,
	       struct err *err)
{
	struct user_answer is;

	if (ctx->service->set->account.reset == RESET_NO) {
		*valid = false;
		return 0;
	}
	if (users_find(ctx->call.users, &ctx->call, link->secret.user, &is,
		       err) != 0)
		return -1;
	*valid = is.found && !is.user.disabled &&
		 one_time_print_fits(link->secret.data, is.user.hash);
	link->user = is.user;
	return 0;
}

static int
look_for_link(struct request_context *ctx, struct link *out, bool *valid,
	      struct err *err)
{
	struct factors_conn *factors = ctx->call.factors;
	static const enum one_time_kind kinds[] = { ONE_TIME_RESET,
						    ONE_TIME_FORGOTTEN,
						    ONE_TIME_INVITE };
	struct one_time_answer is = { .found = false };

	*valid = false;
	if (factors == NULL || !one_time_read(ctx->segment, &out->hash))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds) && !is.found; i++) {
		if (factors_one_time_peek(factors, &ctx->call, &out->hash,
					  kinds[i], &is, err) != 0)
			return -1;
	}
	out->secret = is.secret;
	if (!is.found)
		return 0;
	if (is.secret.kind != ONE_TIME_INVITE)
		return link_find_user(ctx, out, valid, err);
	out->user = (struct user){ .who = { .name = is.secret.user,
					    .roles = is.secret.data } };
	*valid = users_can(ctx->call.users, USERS_WRITES);
	return 0;
}

/* Returns false if there is no valid link; then the answer is complete. */
static bool
link_find(struct request_context *ctx, struct link *out,
	  struct new_password_page *page)
{
	bool valid;
	struct err err;

	*out = (struct link){ .user = { .disabled = false } };
	if (look_for_link(ctx, out, &valid, &err) != 0) {
		answer_unavailable(ctx, &err);
		return false;
	}
	if (!valid) {
		answer_gone(ctx);
		return false;
	}
	*page = (struct new_password_page){
		.place = out->secret.kind == ONE_TIME_INVITE ? PLACE_INVITE :
							       PLACE_RESET,
		.who = out->user.who,
	};
	if (page->place == PLACE_RESET)
		page->who.roles = STR("");
	return true;
}

void
one_time_link_get(struct request_context *ctx)
{
	struct new_password_page page;
	struct link link;

	if (link_find(ctx, &link, &page))
		new_password_show(ctx, 200, &page);
}

/* Makes the link valid again: what it was for failed. A newer link that was
 * made meanwhile stays valid, too; both end with the next new password. */
static void
put_link_back(struct request_context *ctx, const struct link *link)
{
	struct err err;

	if (factors_one_time_put(ctx->call.factors, &ctx->call, &link->secret,
				 false, &err) != 0)
		LOG(ctx->call.env->log, LOG_WARNING, "link_lost",
		    F_CSTR("reason", err.msg));
}

static void
link_done(struct request_context *ctx)
{
	if (answer_is_for_form(ctx))
		answer_redirect(ctx, 303, own_page(ctx, "/login?new=password"));
	else
		answer_status(ctx, 204);
}

/* Others may change the user meanwhile. The answer is NEW_PASSWORD_STALE if the
 * link is not valid any more since then. */
static int
set_password(struct request_context *ctx, struct link *link,
	     struct new_password_result *result, struct err *err)
{
	const struct new_password n = { .user = &link->user, .why = "link" };

	for (unsigned tries = 0; tries < USERS_LOOK_TRIES; tries++) {
		bool valid;

		if (new_password_set(ctx, &n, result, err) != 0)
			return -1;
		if (result->answer == NEW_PASSWORD_DONE)
			return 0;
		if (link_find_user(ctx, link, &valid, err) != 0)
			return -1;
		if (!valid)
			return 0;
	}
	return users_keep_changing(err);
}

static void
finish_reset(struct request_context *ctx, struct link *link,
	     struct new_password_result *result)
{
	struct err err;

	if (set_password(ctx, link, result, &err) != 0) {
		put_link_back(ctx, link);
		answer_unavailable(ctx, &err);
	} else if (result->answer != NEW_PASSWORD_DONE) {
		answer_gone(ctx);
	} else {
		link_done(ctx);
	}
}

/* Answers that a person cannot choose this name; the link is still valid. */
static void
refuse_name(struct request_context *ctx, struct new_password_page *page,
	    const char *problem)
{
	page->problem = problem;
	page->bad_name = true;
	if (answer_is_for_form(ctx))
		new_password_show(ctx, 422, page);
	else
		answer_error(ctx, 422, "name_refused",
			     "This user name is taken or not valid.");
}

/* Answers that others have the name of an invitation. It is audited: the holder
 * of a link could find out names. */
static void
refuse_taken(struct request_context *ctx, const struct link *link,
	     struct new_password_page *page)
{
	audit(ctx, "link_refused", link->user.who.name, NULL, "name_taken");
	if (page->who.name.n > 0)
		answer_gone(ctx);
	else
		refuse_name(ctx, page, TEXT("invite.taken"));
}

static void
finish_invitation(struct request_context *ctx, struct link *link,
		  struct new_password_page *page,
		  const struct new_password_result *result)
{
	enum user_change change;
	struct err err;

	link->user.hash = str_from(result->hash);
	if (users_add(ctx->call.users, &ctx->call, &link->user, &change,
		      &err) != 0) {
		put_link_back(ctx, link);
		answer_unavailable(ctx, &err);
	} else if (change != USER_CHANGED) {
		put_link_back(ctx, link);
		refuse_taken(ctx, link, page);
	} else {
		audit_added(ctx, &link->user.who, "link");
		link_done(ctx);
	}
}

/* Returns whether the name of an invitation means nobody yet, at a sign-in as
 * [users] allows it; otherwise the answer is complete. */
static bool
name_is_free(struct request_context *ctx, const struct link *link,
	     struct new_password_page *page)
{
	struct user_answer other;
	struct err err;

	if (users_find_typed(ctx->call.users, &ctx->call, link->user.who.name,
			     &other, &err) != 0) {
		answer_unavailable(ctx, &err);
		return false;
	}
	if (other.found || other.ambiguous) {
		refuse_taken(ctx, link, page);
		return false;
	}
	return true;
}

/* Uses the link up. The password is accepted, and hashed. */
static void
take_link(struct request_context *ctx, struct link *link,
	  struct new_password_page *page, struct new_password_result *result)
{
	struct one_time_answer taken;
	struct err err;

	if (factors_one_time_take(ctx->call.factors, &ctx->call, &link->hash,
				  link->secret.kind, &taken, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (!taken.found)
		answer_gone(ctx);
	else if (page->place == PLACE_RESET)
		finish_reset(ctx, link, result);
	else
		finish_invitation(ctx, link, page, result);
}

/* Checks the password, then the name, and then uses the link up. In this order
 * the names cannot be probed faster than passwords can be hashed. */
static void
use_link(struct request_context *ctx, struct link *link,
	 struct new_password_page *page, struct str password)
{
	const struct new_password n = { .user = &link->user,
					.password = password };
	struct new_password_result result;
	struct err err;

	if (new_password_hash(ctx, &n, &result, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (result.answer != NEW_PASSWORD_HASHED)
		new_password_refuse(ctx, page, &result);
	else if (page->place == PLACE_RESET || name_is_free(ctx, link, page))
		take_link(ctx, link, page, &result);
}

/* Takes the name that a person has chosen. Returns false if it is not one; then
 * the answer is complete. */
static bool
choose_name(struct request_context *ctx, struct link *link,
	    struct new_password_page *page, struct str name)
{
	if (!identity_name_is_valid(name)) {
		refuse_name(ctx, page, TEXT("invite.bad_name"));
		return false;
	}
	page->username = name;
	link->user.who.name = name;
	return true;
}

static int
read_link_form(struct request_context *ctx, struct link_form *out,
	       struct err *err)
{
	struct form form;

	if (form_parse(ctx->in, ctx->call.arena, &form, err) != 0)
		return -1;
	*out = (struct link_form){
		.csrf = form_get(&form, "csrf"),
		.username = str_trim(form_get(&form, "username")),
		.password = form_get(&form, "new"),
		.again = form_get(&form, "again"),
	};
	return out->password.p != NULL ?
		   0 :
		   err_set(err, ERR_INPUT, "the new password is missing");
}

void
one_time_link_post(struct request_context *ctx)
{
	const bool form = ctx->in->media == MEDIA_FORM;
	struct new_password_page page;
	struct link_form in;
	struct link link;
	bool ok = true;
	struct err err;

	if (read_link_form(ctx, &in, &err) != 0) {
		answer_unread(ctx, &err, "Send one new password.");
		return;
	}
	if (!link_find(ctx, &link, &page))
		return;
	if (form && login_csrf_verify(ctx, in.csrf, &ok, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	if (!ok) {
		page.problem = login_csrf_problem(ctx);
		new_password_show(ctx, 403, &page);
	} else if ((form || in.again.p != NULL) &&
		   !str_eq(in.password, in.again)) {
		new_password_differs(ctx, &page);
	} else if (link.user.who.name.n > 0 ||
		   choose_name(ctx, &link, &page, in.username)) {
		use_link(ctx, &link, &page, in.password);
	}
}
