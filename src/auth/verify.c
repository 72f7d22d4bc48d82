/* SPDX-License-Identifier: MIT */
/* The check, and the challenge to those it refused. */
#include "auth/verify.h"

#include "auth/answer.h"
#include "auth/credential.h"
#include "auth/pages.h"
#include "auth/require.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/log.h"

enum decision {
	DECISION_LOGIN = 0, /* not signed in: 401 */
	DECISION_FORBIDDEN, /* signed in, but may not: 403 */
	DECISION_PASS,
};

static int
decide(struct exchange *e, enum decision *decision, struct grant *grant,
       struct err *err)
{
	enum verdict verdict;
	struct str token;

	if (credential_authenticate(e, &verdict, grant, &token, err) != 0)
		return -1;
	if (verdict != VERDICT_ALLOW) {
		*decision = DECISION_LOGIN;
		return 0;
	}
	if (e->in->require.n > 0 &&
	    !require_is_met(e->in->require, &grant->who)) {
		if (!require_is_valid(e->in->require)) {
			LOG(e->call.env->log, LOG_ERROR, "bad_requirement",
			    F_STR("require", e->in->require));
		}
		*decision = DECISION_FORBIDDEN;
		return 0;
	}
	*decision = DECISION_PASS;
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

/* The original URL: a path for our own host's login page, absolute when one
 * host signs in for several. */
static int
login_location(struct exchange *e, struct str *location, struct err *err)
{
	const struct server_settings *set = &e->service->set->server;
	struct buf b;

	buf_init(&b, e->call.arena, 32 * 1024);
	if (set->login_url.n > 0) {
		buf_add(&b, set->login_url);
	} else {
		buf_add(&b, set->path);
		buf_add(&b, STR("/login"));
	}
	buf_add(&b, STR("?rd="));
	if (set->login_url.n > 0) {
		percent_encode(&b, e->in->https ? STR("https://") :
						  STR("http://"));
		percent_encode(&b, e->in->host);
	}
	percent_encode(&b, e->in->uri);
	*location = buf_str(&b);
	return buf_failed(&b) ? err_nomem(err) : 0;
}

static void
ask_to_login(struct exchange *e)
{
	struct str location;
	struct err err;

	if (!http_request_is_navigation(e->in)) {
		answer_error(e, 401, "unauthorized", "Sign in first.");
		http_response_header(e->out, "WWW-Authenticate", STR("Bearer"));
	} else if (login_location(e, &location, &err) != 0) {
		answer_unavailable(e, &err);
	} else {
		answer_redirect(e, 302, location);
	}
}

static void
explain(struct exchange *e, enum decision decision, const struct identity *who)
{
	if (decision == DECISION_LOGIN)
		ask_to_login(e);
	else if (http_request_is_navigation(e->in))
		page_forbidden(e, who);
	else
		answer_error(e, 403, "forbidden", "You may not do this.");
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
	if (decision == DECISION_PASS) {
		/* nginx would break its kept connection on a 200. */
		answer_status(e, e->in->authorizer ? 200 : 204);
		add_identity(e, &grant.who);
	} else if (e->in->authorizer) {
		explain(e, decision, &grant.who);
	} else {
		answer_status(e, decision == DECISION_LOGIN ? 401 : 403);
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
	/* Who passes now was refused by something else: a redirect to the
	 * login page would come straight back. */
	explain(e, decision == DECISION_PASS ? DECISION_FORBIDDEN : decision,
		&grant.who);
}
