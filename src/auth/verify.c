/* SPDX-License-Identifier: MIT */
/* The check, and the challenge after a refused check. */
#include "auth/verify.h"

#include "auth/access.h"
#include "auth/answer.h"
#include "auth/conflict.h"
#include "auth/credential.h"
#include "auth/login.h"
#include "auth/pages.h"
#include "auth/refusals.h"
#include "auth/repeat.h"
#include "auth/require.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/buf.h"
#include "base/log.h"

enum decision {
	DECISION_LOGIN = 0, /* not signed in: 401 */
	DECISION_FORBIDDEN, /* signed in, but not allowed: 403 */
	DECISION_DOUBTFUL, /* refused because of the path: 403 */
	DECISION_PASS,
	DECISION_PASS_NOBODY, /* public and not signed in: no identity */
};

static int
find_terms(const struct request_context *ctx, struct access_terms *out,
	   struct err *err)
{
	const struct access_question question = {
		.rule = { .host = ctx->in->host,
			  .method = ctx->in->method_name,
			  .address = ctx->in->remote_addr },
		.path = ctx->in->path,
		.also = ctx->in->require,
	};
	struct str also = ctx->in->require;

	if (access_find(ctx->service->rules, &question, ctx->call.arena, out,
			err) != 0)
		return -1;
	if (also.n > 0 && !require_is_valid(also)) {
		LOG(ctx->call.env->log, LOG_ERROR, "bad_requirement",
		    F_STR("require", also));
	}
	return 0;
}

/* Allows a public request without an identity when the store fails. */
static int
decide_without_store(const struct request_context *ctx,
		     const struct access_terms *t, enum decision *decision,
		     const struct err *err)
{
	if (!t->open)
		return -1;
	answer_log_unavailable(ctx, "public_without_identity", err);
	*decision = DECISION_PASS_NOBODY;
	return 0;
}

static enum decision
verify_conclude(const struct access_terms *t, const struct identity *who,
		enum access_doubt *doubt)
{
	switch (access_evaluate(t, who, doubt)) {
	case ACCESS_SIGN_IN:
		return DECISION_LOGIN;
	case ACCESS_YES:
		return who != NULL ? DECISION_PASS : DECISION_PASS_NOBODY;
	case ACCESS_NO:
		break;
	}
	return *doubt == ACCESS_CLEAR ? DECISION_FORBIDDEN : DECISION_DOUBTFUL;
}

struct check_result {
	enum decision decision;
	enum access_doubt doubt; /* with DECISION_DOUBTFUL; otherwise clear */
	/* With DECISION_FORBIDDEN: the outcome of the rules that refused; NULL:
	 * the requirement of the location. */
	const struct rule_outcome *refused_by;
	bool presented; /* the request had a credential, valid or not */
	struct principal principal; /* of the signed-in user; otherwise zero */
};

static int
verify_decide(struct request_context *ctx, struct check_result *out,
	      struct err *err)
{
	struct check_result j = { .decision = DECISION_LOGIN };
	struct access_terms terms;
	struct auth_result is;
	struct str token;

	if (find_terms(ctx, &terms, err) != 0)
		return -1;
	if (terms.doubt != ACCESS_CLEAR) {
		j.decision = verify_conclude(&terms, NULL, &j.doubt);
	} else if (credential_authenticate(ctx, &is, &token, err) != 0) {
		if (decide_without_store(ctx, &terms, &j.decision, err) != 0)
			return -1;
	} else {
		j.presented = token.n > 0;
		j.principal = is.principal;
		j.decision = verify_conclude(&terms,
					     is.verdict == VERDICT_ALLOW ?
						 &j.principal.who :
						 NULL,
					     &j.doubt);
	}
	if (j.decision == DECISION_FORBIDDEN)
		j.refused_by = access_refused_by(&terms, &j.principal.who);
	*out = j;
	return 0;
}

static struct str
verify_header_text(struct request_context *ctx, struct str value)
{
	struct buf b;

	if (ctx->service->set->headers.encoding == HEADERS_UTF8)
		return value;
	buf_init(&b, ctx->call.arena, 3 * value.n + 1);
	percent_encode_text(&b, value);
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}

/* Adds the identity headers, which the web server copies to the application. */
static void
add_identity(struct request_context *ctx, const struct identity *who)
{
	const struct headers_settings *set = &ctx->service->set->headers;
	const struct {
		const char *variable;
		struct str name, value;
	} facts[] = {
		{ "Variable-AUTH_USER", set->user, who->name },
		{ "Variable-AUTH_GROUPS", set->roles, who->roles },
		{ "Variable-AUTH_EMAIL", set->email,
		  verify_header_text(ctx, who->email) },
		{ "Variable-AUTH_NAME", set->name,
		  verify_header_text(ctx, who->full_name) },
	};

	if (ctx->in->authorizer)
		http_response_header(ctx->out, "Variable-REMOTE_USER",
				     who->name);
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const char *name =
		    ctx->in->authorizer ?
			facts[i].variable :
			arena_cstr(ctx->call.arena, facts[i].name);

		if (name == NULL)
			ctx->out->failed = true;
		else
			http_response_header(ctx->out, name, facts[i].value);
	}
}

/* Redirects to the login page; only for GET and HEAD, as a redirect would lose
 * a posted form. */
static void
send_to_login(struct request_context *ctx)
{
	struct str location;
	struct err err;
	struct buf b;

	if (login_location(ctx, ctx->in->uri, &location, &err) != 0) {
		answer_unavailable(ctx, &err);
		return;
	}
	buf_init(&b, ctx->call.arena, 32 * 1024);
	buf_add(&b, location);
	/* The login page may not receive the conflicting cookies, and would
	 * then redirect straight back. */
	if (conflict_is_there(ctx))
		buf_add(&b, STR("&conflict=1"));
	if (buf_failed(&b))
		ctx->out->failed = true;
	else if (b.n > LOGIN_LOCATION_MAX)
		page_too_long(ctx);
	else
		answer_redirect(ctx, 302, buf_str(&b));
}

static void
ask_to_login(struct request_context *ctx)
{
	if (!http_request_is_navigation(ctx->in)) {
		answer_error(ctx, 401, "unauthorized", "Sign in first.");
		http_response_header(ctx->out, "WWW-Authenticate",
				     STR("Bearer"));
	} else if (ctx->in->method == HTTP_GET ||
		   ctx->in->method == HTTP_HEAD) {
		send_to_login(ctx);
	} else {
		repeat_challenge(ctx);
	}
}

static void
explain_forbidden(struct request_context *ctx, const struct check_result *j)
{
	if (http_request_is_navigation(ctx->in))
		page_forbidden(ctx, &j->principal.who,
			       j->decision == DECISION_PASS);
	else
		answer_error(ctx, 403, "forbidden",
			     "You do not have permission to do this.");
}

static void
verify_explain_doubt(struct request_context *ctx, enum access_doubt doubt)
{
	const struct page_refusal odd = { .status = 403, .place = TEXT("odd") };

	if (doubt == ACCESS_HIDDEN_DOTS)
		answer_refusal_page(ctx, "hidden_dot_segment",
				    "This address is refused: a part of its "
				    "path is a disguised \".\" or \"..\".",
				    &odd);
	else
		answer_refusal_page(ctx, "ambiguous_path",
				    "This address is refused: its path can be "
				    "understood in different ways, and not "
				    "all of them are allowed.",
				    &odd);
}

static void
verify_explain(struct request_context *ctx, const struct check_result *j)
{
	switch (j->decision) {
	case DECISION_LOGIN:
	case DECISION_PASS_NOBODY:
		ask_to_login(ctx);
		break;
	case DECISION_DOUBTFUL:
		verify_explain_doubt(ctx, j->doubt);
		break;
	case DECISION_FORBIDDEN:
	case DECISION_PASS:
		/* This request is allowed now, so something else refused it: a
		 * redirect to the login page would come straight back. */
		explain_forbidden(ctx, j);
		break;
	}
}

static void
answer_yes(struct request_context *ctx)
{
	/* With a 200, nginx would close its persistent connection. */
	answer_status(ctx, ctx->in->authorizer ? 200 : 204);
	/* Otherwise Apache leaves the secret in the environment of the
	 * application. */
	if (ctx->in->authorizer && ctx->in->secret.n > 0)
		http_response_header(ctx->out, "Variable-AUTH_SECRET", STR(""));
}

static const char *
forbidden_because(const struct check_result *j)
{
	if (j->decision == DECISION_DOUBTFUL)
		return access_doubt_text(j->doubt);
	if (j->refused_by == NULL)
		return "location";
	return j->refused_by->rule != NULL ? "rule" : "no rule";
}

static void
verify_note(struct request_context *ctx, const struct check_result *j)
{
	struct refusal r = { .status = 403, .user = j->principal.who.name };

	if (j->decision == DECISION_LOGIN) {
		r.status = 401;
		r.reason =
		    j->presented ? "invalid credential" : "not signed in";
	} else {
		r.reason = forbidden_because(j);
	}
	if (j->refused_by != NULL && j->refused_by->rule != NULL)
		r.rule = j->refused_by->rule->name;
	refusal_note(ctx, &r);
}

void
verify_answer(struct request_context *ctx)
{
	struct check_result j;
	struct err err;

	if (verify_decide(ctx, &j, &err) != 0) {
		answer_unavailable(ctx, &err);
	} else if (j.decision == DECISION_PASS) {
		answer_yes(ctx);
		add_identity(ctx, &j.principal.who);
	} else if (j.decision == DECISION_PASS_NOBODY) {
		answer_yes(ctx);
	} else if (ctx->in->authorizer && ctx->must_not_wait) {
		ctx->would_wait = true; /* the answer may be a page */
	} else if (ctx->in->authorizer) {
		verify_note(ctx, &j);
		/* The web server shows this answer to the visitor. */
		verify_explain(ctx, &j);
	} else {
		verify_note(ctx, &j);
		answer_status(ctx, j.decision == DECISION_LOGIN ? 401 : 403);
	}
}

void
verify_challenge(struct request_context *ctx)
{
	struct check_result j;
	struct err err;

	if (verify_decide(ctx, &j, &err) != 0)
		answer_unavailable(ctx, &err);
	else
		verify_explain(ctx, &j);
}
