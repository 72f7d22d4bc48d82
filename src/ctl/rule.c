/* SPDX-License-Identifier: MIT */
/* fcgiauthctl rule. */
#include "ctl/ctl.h"

#include "auth/require.h"
#include "auth/rules.h"
#include "base/buf.h"
#include "base/network.h"
#include "ctl/output.h"
#include "http/request.h"

#include <stdio.h>

#define WHY_MAX 4096

/* What is asked, and what there is to say about it. */
struct test {
	struct http_request in;
	bool has_host;
	const struct identity *who; /* NULL: not signed in */
	const struct rule_settings *rule; /* NULL: none decided */
	struct str require;
	bool allowed;
	int64_t status; /* of the check */
	struct buf why;
};

static void
settle(struct test *t, int64_t status)
{
	t->status = status;
	t->allowed = status == 204;
}

/* A URL as authority and the rest; false: neither that nor a path. */
static bool
split_url(struct str url, struct str *authority, struct str *uri)
{
	const struct str schemes[] = { STR("https://"), STR("http://") };

	*authority = STR("");
	*uri = url;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (!str_starts(url, schemes[i]))
			continue;
		url = str_skip(url, schemes[i].n);
		for (authority->p = url.p; authority->n < url.n; authority->n++) {
			char c = url.p[authority->n];

			if (c == '/' || c == '?' || c == '#')
				break;
		}
		*uri = str_skip(url, authority->n);
		if (uri->n == 0)
			*uri = STR("/");
		return authority->n > 0;
	}
	return str_starts(url, STR("/"));
}

/* As the service reads it; settles what it would refuse already. */
static enum ctl_exit
read_request(struct ctl *c, struct test *t)
{
	struct str authority, uri;
	struct param params[] = {
		{ STR("REQUEST_METHOD"), str_from(c->args->words[2]) },
		{ STR("REQUEST_URI"), STR("") },
		{ STR("HTTP_HOST"), STR("none") },
		/* What nginx says when there is no address. */
		{ STR("REMOTE_ADDR"), STR("unix:") },
		{ STR("AUTH_ACTION"), STR("verify") },
	};
	const struct message message = { .params = params,
					 .nparams = ARRAY_LEN(params) };
	struct address address;
	struct err err;

	if (!split_url(str_from(c->args->words[3]), &authority, &uri))
		return ctl_usage(c, "the URL must begin with https://, "
				    "http:// or /");
	params[1].value = uri;
	t->has_host = authority.n > 0;
	if (t->has_host)
		params[2].value = authority;
	if (ctl_given(c, FLAG_IP)) {
		params[3].value = ctl_value(c, FLAG_IP);
		if (!address_parse(params[3].value, &address))
			return ctl_refuse("not an IP address: %.*s",
					  STR_ARG(params[3].value));
	}
	if (http_request_parse(&message, c->arena, &t->in, &err) != 0) {
		if (err.code != ERR_INPUT)
			return ctl_refuse("%s", err.msg);
		buf_printf(&t->why, "refused before any rule: %s", err.msg);
		settle(t, 403);
	}
	if (!t->has_host)
		t->in.host = STR("");
	return CTL_DONE;
}

static enum ctl_exit
find_user(struct ctl *c, struct test *t)
{
	const struct ctl_part *part = ctl_part(CTL_USERS);
	struct user *user = arena_alloc(c->arena, sizeof(*user));
	struct str name = ctl_value(c, FLAG_USER);
	enum user_answer answer;
	struct err err;

	if (!ctl_given(c, FLAG_USER))
		return CTL_DONE;
	if (user == NULL)
		return ctl_refuse("out of memory");
	if (!ctl_reachable(c, part))
		return ctl_refuse("[users] driver = %s: the users are in the "
				  "memory of the daemon, out of reach",
				  ctl_backend(c, part)->name);
	if (ctl_open(c, part, &err) != 0 ||
	    users_find(c->users_link, c->arena, name, &answer, user, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (answer != USER_FOUND)
		return ctl_refuse("no such user: %.*s", STR_ARG(name));
	if (user->disabled)
		buf_printf(&t->why, "%.*s is disabled and cannot be signed "
				    "in; ",
			   STR_ARG(name));
	else
		t->who = &user->who;
	return CTL_DONE;
}

static void
explain_rule(struct test *t)
{
	if (t->rule != NULL)
		buf_printf(&t->why, "rule %.*s asks for %.*s",
			   STR_ARG(t->rule->name), STR_ARG(t->require));
	else if (str_eq(t->require, STR("deny")))
		buf_add_cstr(&t->why, "no rule matches");
	else
		buf_add_cstr(&t->why, "there are no rules: a signed-in user "
				      "is enough");
}

static void
explain_user(struct test *t)
{
	if (t->who == NULL)
		buf_add_cstr(&t->why, ", and nobody is signed in");
	else if (t->who->roles.n == 0)
		buf_printf(&t->why, ", and %.*s has no roles",
			   STR_ARG(t->who->name));
	else
		buf_printf(&t->why, ", and %.*s has the roles %.*s",
			   STR_ARG(t->who->name), STR_ARG(t->who->roles));
}

/* The verdict on whoever asks, as auth/verify.c finds it. */
static void
conclude(struct test *t, enum rule_verdict verdict)
{
	const bool met = t->who != NULL && require_is_met(t->require, t->who);

	explain_rule(t);
	switch (verdict) {
	case RULE_PUBLIC:
		settle(t, 204);
		return;
	case RULE_DENY:
		settle(t, t->who != NULL ? 403 : 401);
		if (t->rule != NULL && !require_is_deny(t->require))
			buf_add_cstr(&t->why, " in a network, and there is no "
					      "address; give one by --ip");
		return;
	case RULE_ASK:
		settle(t, t->who == NULL ? 401 : met ? 204 : 403);
		explain_user(t);
		return;
	}
}

static enum ctl_exit
judge(struct ctl *c, struct test *t)
{
	const struct words *hosts = &c->settings.server.hosts;
	const struct rule_question question = { .host = t->in.host,
						.path = t->in.path,
						.method = t->in.method_name,
						.address = t->in.remote_addr };
	enum rule_verdict verdict;
	struct err err;

	if (t->has_host && hosts->n > 0 && !words_have(hosts, t->in.host)) {
		buf_add_cstr(&t->why, "the service does not answer for this "
				      "host ([server] hosts)");
		settle(t, 403);
		return CTL_DONE;
	}
	if (rules_judge(c->rules, &question, &verdict, &t->rule, &t->require,
			&err) != 0) {
		buf_printf(&t->why, "could not tell: %s", err.msg);
		settle(t, 503);
		return CTL_DONE;
	}
	conclude(t, verdict);
	if (!t->has_host)
		buf_add_cstr(&t->why, "; rules with a host do not match, as "
				      "the URL has none");
	return CTL_DONE;
}

static int
print_text(struct ctl *c, const struct test *t)
{
	struct buf rule, verdict;
	struct table table;

	buf_init(&rule, c->arena, WHY_MAX);
	buf_init(&verdict, c->arena, 64);
	if (t->rule != NULL)
		buf_printf(&rule, "%.*s, line %u", STR_ARG(t->rule->name),
			   t->rule->line);
	buf_printf(&verdict, "%s, %d", t->allowed ? "allowed" : "refused",
		   (int)t->status);
	table_init(&table, c->arena, NULL, 2);
	const struct str rows[][2] = {
		{ STR("host"), t->in.host },
		{ STR("path"), t->in.path },
		{ STR("rule"), buf_str(&rule) },
		{ STR("require"), t->require },
		{ STR("verdict"), buf_str(&verdict) },
		{ STR("why"), buf_str(&t->why) },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		table_add(&table, rows[i]);
	return buf_failed(&rule) || buf_failed(&verdict) ? -1 :
							   table_print(&table);
}

static int
print_json(struct ctl *c, const struct test *t)
{
	const bool rule = t->rule != NULL;

	return output_json(json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:b, s:I, s:o}", "host",
	    output_json_text(c->arena, t->in.host), "path",
	    output_json_text(c->arena, t->in.path), "rule",
	    rule ? output_json_text(c->arena, t->rule->name) : json_null(),
	    "line", rule ? json_integer(t->rule->line) : json_null(),
	    "require", output_json_text(c->arena, t->require), "allowed",
	    (int)t->allowed, "status", (json_int_t)t->status, "why",
	    output_json_text(c->arena, buf_str(&t->why))));
}

enum ctl_exit
rule_test(struct ctl *c)
{
	struct test t = { .status = 0 };
	enum ctl_exit status;
	int printed;

	buf_init(&t.why, c->arena, WHY_MAX);
	status = read_request(c, &t);
	if (status == CTL_DONE)
		status = find_user(c, &t);
	if (status == CTL_DONE && t.status == 0)
		status = judge(c, &t);
	if (status != CTL_DONE)
		return status;
	if (buf_failed(&t.why))
		return ctl_refuse("out of memory");
	printed = ctl_given(c, FLAG_JSON) ? print_json(c, &t) :
					    print_text(c, &t);
	if (printed != 0)
		return ctl_refuse("out of memory");
	return t.allowed ? CTL_DONE : CTL_REFUSED;
}
