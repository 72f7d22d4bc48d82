/* SPDX-License-Identifier: MIT */
/* The sessions of the user who is signed in. */
#include "auth/sessions.h"

#include <string.h>

#include "strategy/session_id.h"
#include "auth/account.h"
#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/credential.h"
#include "auth/fresh.h"
#include "auth/own.h"
#include "auth/signed_in.h"
#include "base/enc.h"
#include "http/form.h"

bool
sessions_are_kept(const struct request_context *ctx)
{
	return service_keeps_sessions(ctx->service);
}

int
sessions_list(struct request_context *ctx, const struct principal *who,
	      const struct session_id *before, struct session_list *out,
	      bool *more, struct err *err)
{
	const struct session_query q = { .user = who->who.name,
					 .limit = SESSIONS_LISTED_MAX };
	struct session_cursor cursor = { .created_ms = 0 };

	if (before != NULL) {
		cursor.created_ms = session_id_time_ms(before);
		cursor.id = *before;
	}
	if (store_list(ctx->call.store, &ctx->call, &q, &cursor, out, err) != 0)
		return -1;
	*more = cursor.more;
	return 0;
}

bool
sessions_is_own(const struct principal *who, const struct session_id *id)
{
	return memcmp(who->session.b, id->b, sizeof(id->b)) == 0;
}

static int
sessions_end(struct request_context *ctx, const struct session_id *id,
	     bool *ended, struct err *err)
{
	const struct service *s = ctx->service;

	if (s->mode_ops->end_session == NULL)
		return store_revoke(ctx->call.store, &ctx->call, id, ended,
				    err);
	if (s->mode_ops->end_session(s->set->mode.conf, &ctx->call, id, err) !=
	    0)
		return -1;
	*ended = true;
	return 0;
}

/* Ends a session if it is a live one of this user, which *ended says. */
static int
sessions_end_one(struct request_context *ctx, const struct principal *who,
		 const struct session_id *id, bool *ended, struct err *err)
{
	struct session_answer is;
	bool done = false;

	if (store_find(ctx->call.store, &ctx->call, id, NULL, &is, err) != 0)
		return -1;
	if (is.found && str_eq(is.session.who.name, who->who.name) &&
	    sessions_end(ctx, id, &done, err) != 0)
		return -1;
	if (done)
		audit(ctx, "session_ended", who->who.name, id, NULL);
	*ended = done;
	return 0;
}

static int
sessions_end_others(struct request_context *ctx, const struct principal *who,
		    struct err *err)
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;
	const struct str name = who->who.name;
	int64_t ended;

	if ((mode->end_others != NULL ?
		 mode->end_others(&ctx->call, name, &who->session, &ended,
				  err) :
		 store_revoke_user(ctx->call.store, &ctx->call, name,
				   &who->session, &ended, err)) != 0)
		return -1;
	audit_ended(ctx, "sessions_ended", name, ended, NULL);
	return 0;
}

static int
sessions_end_all(struct request_context *ctx, const struct principal *who,
		 struct err *err)
{
	const struct service *s = ctx->service;
	const struct str name = who->who.name;
	int64_t ended;

	if ((s->mode_ops->end_user != NULL &&
	     s->mode_ops->end_user(s->set->mode.conf, &ctx->call, name, err) !=
		 0) ||
	    store_revoke_user(ctx->call.store, &ctx->call, name, NULL, &ended,
			      err) != 0)
		return -1;
	audit_ended(ctx, "sessions_ended", name, ended, NULL);
	return 0;
}

/* Finds the user of the request. Returns false if there is none, or if the mode
 * keeps no sessions; then the answer is complete. */
static bool
find_user(struct request_context *ctx, struct principal *out)
{
	if (sessions_are_kept(ctx))
		return signed_in_find(ctx, out);
	answer_refusal(ctx, 404, "not_found", "Not found.");
	return false;
}

static json_t *
text_or_empty(struct str text)
{
	return str_is_text(text) && text.n > 0 ? json_stringn(text.p, text.n) :
						 json_string("");
}

static json_t *
session_json(const struct principal *who, const struct session *s)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];

	hex_encode(s->id.b, sizeof(s->id.b), id);
	return json_pack("{s:o, s:I, s:I, s:o, s:o, s:b}", "id",
			 json_stringn(id, sizeof(id)), "created",
			 (json_int_t)s->created_ms / 1000, "last_seen",
			 (json_int_t)s->last_seen_ms / 1000, "address",
			 text_or_empty(s->address), "user_agent",
			 text_or_empty(s->user_agent), "current",
			 (int)sessions_is_own(who, &s->id));
}

/* Returns NULL when out of memory. */
static json_t *
list_json(const struct principal *who, const struct session_list *list,
	  bool more)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < list->n; i++) {
		if (json_array_append_new(array,
					  session_json(who, &list->v[i])) !=
		    0) {
			json_decref(array);
			array = NULL;
		}
	}
	return json_pack("{s:o, s:b}", "sessions", array, "more", (int)more);
}

void
sessions_get(struct request_context *ctx)
{
	struct session_list list;
	struct session_id id;
	struct principal who;
	struct str before;
	struct err err;
	bool more;

	if (!find_user(ctx, &who))
		return;
	if (http_request_query(ctx->in, STR("before"), ctx->call.arena, &before,
			       &err) != 0)
		answer_unread(ctx, &err, "The address is malformed.");
	else if (before.p != NULL && !hex_decode(before, id.b, sizeof(id.b)))
		answer_error(ctx, 400, "invalid_request",
			     "The field before must be the id of a session.");
	else if (sessions_list(ctx, &who, before.p != NULL ? &id : NULL, &list,
			       &more, &err) != 0)
		answer_unavailable(ctx, &err);
	else
		answer_json(ctx, 200, list_json(&who, &list, more));
}

/* Answers that sessions were ended. `own`: that of the request as well, so the
 * cookies of the browser are of no use any more. */
static void
answer_ended(struct request_context *ctx, bool own)
{
	struct str token;

	if (answer_is_for_form(ctx))
		answer_redirect(ctx, 303,
				own_page(ctx, own ? "/logout" : ACCOUNT_PATH));
	else
		answer_status(ctx, 204);
	if (own && credential_find(ctx, &token) == CREDENTIAL_COOKIE)
		credential_clear_cookies(ctx);
}

static void
sessions_end_named(struct request_context *ctx, const struct principal *who)
{
	struct session_id id;
	bool ended = false;
	struct err err;

	if (hex_decode(ctx->segment, id.b, sizeof(id.b)) &&
	    sessions_end_one(ctx, who, &id, &ended, &err) != 0)
		answer_unavailable(ctx, &err);
	else if (!ended && !answer_is_for_form(ctx))
		answer_refusal(ctx, 404, "not_found", "No such session.");
	else
		answer_ended(ctx, ended && sessions_is_own(who, &id));
}

/* Ends the sessions of the user: all of them if `all` is "1", all but this one
 * if it is absent. */
static void
sessions_end_some(struct request_context *ctx, const struct principal *who,
		  struct str all)
{
	const bool own = str_eq(all, STR("1"));
	struct err err;

	if (all.p != NULL && !own)
		answer_refusal(ctx, 400, "invalid_request",
			       "The field all must be 1.");
	else if (own && !fresh_is(ctx, who))
		fresh_demand(ctx, own_page(ctx, ACCOUNT_PATH));
	else if ((own ? sessions_end_all(ctx, who, &err) :
			sessions_end_others(ctx, who, &err)) != 0)
		answer_unavailable(ctx, &err);
	else
		answer_ended(ctx, own);
}

void
sessions_delete(struct request_context *ctx)
{
	struct principal who;
	struct err err;
	struct str all;

	if (!find_user(ctx, &who))
		return;
	if (http_request_query(ctx->in, STR("all"), ctx->call.arena, &all,
			       &err) != 0)
		answer_unread(ctx, &err, "The address is malformed.");
	else
		sessions_end_some(ctx, &who, all);
}

void
sessions_delete_one(struct request_context *ctx)
{
	struct principal who;

	if (find_user(ctx, &who))
		sessions_end_named(ctx, &who);
}

void
sessions_end_post(struct request_context *ctx)
{
	struct principal who;
	struct form form;

	if (find_user(ctx, &who) && signed_in_form(ctx, &who, &form))
		sessions_end_some(ctx, &who, form_get(&form, "all"));
}

void
sessions_end_one_post(struct request_context *ctx)
{
	struct principal who;
	struct form form;

	if (find_user(ctx, &who) && signed_in_form(ctx, &who, &form))
		sessions_end_named(ctx, &who);
}
