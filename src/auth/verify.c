/* SPDX-License-Identifier: MIT */
/* The check, and the challenge to those it refused. */
#include "auth/verify.h"

#include "auth/answer.h"
#include "auth/credential.h"
#include "auth/login.h"
#include "auth/pages.h"
#include "auth/repeat.h"
#include "auth/require.h"
#include "auth/rules.h"
#include "base/log.h"

enum decision {
	DECISION_LOGIN = 0, /* not signed in: 401 */
	DECISION_FORBIDDEN, /* signed in, but may not: 403 */
	DECISION_PASS,
	DECISION_PASS_NOBODY, /* public, and not signed in: no identity */
};

/* What rules and location say of a request, whoever sends it. */
struct terms {
	enum rule_verdict verdict;
	struct str require; /* of the rules */
	bool open;	    /* to everybody */
};

static int
find_terms(const struct exchange *e, struct terms *out, struct err *err)
{
	const struct rule_question question = {
		.host = e->in->host,
		.path = e->in->path,
		.method = e->in->method_name,
		.address = e->in->remote_addr,
	};
	const struct rule_settings *rule;
	struct terms t;

	if (rules_judge(e->service->rules, &question, &t.verdict, &rule,
			&t.require, err) != 0)
		return -1;
	t.open = t.verdict == RULE_PUBLIC &&
	    (e->in->require.n == 0 || require_is_public(e->in->require));
	*out = t;
	return 0;
}

/* Rules and location, each of them. */
static bool
are_met(const struct exchange *e, const struct terms *t,
	const struct identity *who)
{
	struct str also = e->in->require;

	if (also.n > 0 && !require_is_valid(also)) {
		LOG(e->call.env->log, LOG_ERROR, "bad_requirement",
		    F_STR("require", also));
	}
	return t->verdict != RULE_DENY && require_is_met(t->require, who) &&
	    (also.n == 0 || require_is_met(also, who));
}

/* What is public needs no store. */
static int
decide_without_store(const struct exchange *e, const struct terms *t,
		     enum decision *decision, struct grant *grant,
		     const struct err *err)
{
	if (!t->open)
		return -1;
	LOG(e->call.env->log, LOG_WARNING, "public_without_identity",
	    F_CSTR("reason", err->msg));
	*decision = DECISION_PASS_NOBODY;
	*grant = (struct grant){ .expires_ms = 0 };
	return 0;
}

static int
decide(struct exchange *e, enum decision *decision, struct grant *grant,
       struct err *err)
{
	enum verdict verdict;
	struct terms terms;
	struct str token;

	if (find_terms(e, &terms, err) != 0)
		return -1;
	if (credential_authenticate(e, &verdict, grant, &token, err) != 0)
		return decide_without_store(e, &terms, decision, grant, err);
	if (verdict != VERDICT_ALLOW)
		*decision = terms.open ? DECISION_PASS_NOBODY : DECISION_LOGIN;
	else if (are_met(e, &terms, &grant->who))
		*decision = DECISION_PASS;
	else
		*decision = DECISION_FORBIDDEN;
	return 0;
}

/* The web server copies these to the application. */
static void
add_identity(struct exchange *e, const struct identity *who)
{
	const struct headers_settings *set = &e->service->set->headers;
	const struct {
		const char *variable;
		struct str name, value;
	} facts[] = {
		{ "Variable-AUTH_USER", set->user, who->name },
		{ "Variable-AUTH_GROUPS", set->roles, who->roles },
		{ "Variable-AUTH_EMAIL", set->email, who->email },
		{ "Variable-AUTH_NAME", set->name, who->full_name },
	};

	if (e->in->authorizer)
		http_response_header(e->out, "Variable-REMOTE_USER", who->name);
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const char *name = e->in->authorizer ?
		    facts[i].variable :
		    arena_cstr(e->call.arena, facts[i].name);

		if (name == NULL)
			e->out->failed = true;
		else
			http_response_header(e->out, name, facts[i].value);
	}
}

/* A form that was posted must not be lost: it gets no redirect to a page. */
static void
send_to_login(struct exchange *e)
{
	struct str location;
	struct err err;

	if (login_location(e, e->in->uri, &location, &err) != 0)
		answer_unavailable(e, &err);
	else
		answer_redirect(e, 302, location);
}

static void
ask_to_login(struct exchange *e)
{
	if (!http_request_is_navigation(e->in)) {
		answer_error(e, 401, "unauthorized", "Sign in first.");
		http_response_header(e->out, "WWW-Authenticate", STR("Bearer"));
	} else if (e->in->method == HTTP_GET || e->in->method == HTTP_HEAD) {
		send_to_login(e);
	} else {
		repeat_challenge(e);
	}
}

static void
explain_forbidden(struct exchange *e, const struct identity *who)
{
	if (http_request_is_navigation(e->in))
		page_forbidden(e, who);
	else
		answer_error(e, 403, "forbidden", "You may not do this.");
}

/* A refusal to an authorizer is shown to the visitor as it is. */
static void
refuse(struct exchange *e, enum decision decision, const struct identity *who)
{
	bool login = decision == DECISION_LOGIN;

	if (!e->in->authorizer)
		answer_status(e, login ? 401 : 403);
	else if (login)
		ask_to_login(e);
	else
		explain_forbidden(e, who);
}

static void
answer_yes(struct exchange *e)
{
	/* nginx would break its kept connection on a 200. */
	answer_status(e, e->in->authorizer ? 200 : 204);
	/* Else Apache leaves the secret in the application's environment. */
	if (e->in->authorizer && e->in->secret.n > 0)
		http_response_header(e->out, "Variable-AUTH_SECRET", STR(""));
}

void
verify_answer(struct exchange *e)
{
	enum decision decision;
	struct grant grant;
	struct err err;

	if (decide(e, &decision, &grant, &err) != 0) {
		answer_unavailable(e, &err);
		return;
	}
	switch (decision) {
	case DECISION_LOGIN:
	case DECISION_FORBIDDEN:
		refuse(e, decision, &grant.who);
		break;
	case DECISION_PASS:
		answer_yes(e);
		add_identity(e, &grant.who);
		break;
	case DECISION_PASS_NOBODY:
		answer_yes(e);
		break;
	}
}

void
verify_challenge(struct exchange *e)
{
	enum decision decision;
	struct grant grant;
	struct err err;

	if (decide(e, &decision, &grant, &err) != 0) {
		answer_unavailable(e, &err);
		return;
	}
	switch (decision) {
	case DECISION_LOGIN:
	case DECISION_PASS_NOBODY:
		ask_to_login(e);
		break;
	case DECISION_FORBIDDEN:
	case DECISION_PASS:
		/* Who passes now was refused by something else: a redirect to
		 * the login page would come straight back. */
		explain_forbidden(e, &grant.who);
		break;
	}
}
