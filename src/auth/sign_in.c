/* SPDX-License-Identifier: MIT */
/* Makes the session of a user who has proved who they are. */
#include "auth/sign_in.h"

#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/authenticate.h"
#include "auth/credential.h"
#include "auth/must_change.h"
#include "auth/pages.h"
#include "auth/pre_session.h"
#include "base/log.h"

static const struct login_refusal too_large = { 500, "token_too_large",
						credential_too_large,
						TEXT("login.too_large") };

static void
hand_over(struct request_context *ctx, const struct login_form *form,
	  const struct identity *who, const struct credentials *credentials)
{
	audit(ctx, "login", who->name, &credentials->session, NULL);
	if (form->form)
		login_form_go(ctx, form->rd);
	else
		answer_json(ctx, 200,
			    credential_json(who, credentials,
					    credential_wants_body(ctx)));
	if (credential_wants_cookies(ctx, form->form))
		credential_set_cookies(ctx, credentials);
	pre_session_end(ctx);
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
undo_session(struct request_context *ctx, const struct credentials *credentials)
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
begin_session(struct request_context *ctx, const struct login_form *form,
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
		undo_session(ctx, &credentials);
		LOG(ctx->call.env->log, LOG_ERROR, "cookie_too_large",
		    F_STR("user", user->who.name));
		audit(ctx, "login_failure", user->who.name, NULL,
		      "cookie_too_large");
		login_form_refuse(ctx, form, &too_large);
		return;
	}
	if (authenticate_confirm(ctx, user, form->password, &still, &err) !=
	    0) {
		undo_session(ctx, &credentials);
		answer_unavailable(ctx, &err);
	} else if (!still) {
		undo_session(ctx, &credentials);
		audit(ctx, "login_failure", user->who.name, NULL, "changed");
		login_form_refuse_wrong(ctx, form);
	} else {
		hand_over(ctx, form, &user->who, &credentials);
		authenticate_rehash(ctx, user, form->password);
	}
}

void
sign_in_proved(struct request_context *ctx, const struct login_form *form,
	       struct user *user)
{
	bool must_change;
	struct err err;

	if (must_change_is_due(ctx, user, &must_change, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (must_change)
		must_change_ask(ctx, form, user);
	else
		begin_session(ctx, form, user);
}
