/* SPDX-License-Identifier: MIT */
/* fcgiauthctl rule. */
#include "ctl/ctl.h"

#include "auth/access.h"
#include "auth/require.h"
#include "base/buf.h"
#include "base/network.h"
#include "ctl/output.h"
#include "http/origin.h"
#include "http/request.h"

#include <stdio.h>

#define WHY_MAX 4096

/* The request that is tested, and the result. */
struct test {
	struct http_request in;
	bool has_host;
	const struct identity *who; /* NULL: not signed in */
	struct access_terms terms;
	enum access_doubt doubt; /* why the request is refused, if it is */
	/* the outcome that decided; NULL: none */
	const struct rule_outcome *outcome;
	bool allowed;
	int64_t status; /* the status of the check */
	struct buf why;
};

static void
rule_settle(struct test *t, int64_t status)
{
	t->status = status;
	t->allowed = status == 204;
}

/* Splits a URL into authority and the rest; false when it is neither a URL nor
 * a path. */
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
		for (authority->p = url.p; authority->n < url.n;
		     authority->n++) {
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

/* Reads the request as the service does; settles the test if the service would
 * refuse the request before any rule. */
static enum ctl_exit
read_request(struct ctl *c, struct test *t)
{
	struct str authority, uri;
	struct param params[] = {
		{ STR("REQUEST_METHOD"), str_from(c->args->words[2]) },
		{ STR("REQUEST_URI"), STR("") },
		{ STR("HTTP_HOST"), STR("none") },
		/* nginx sends this when there is no address. */
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
		rule_settle(t, 403);
	}
	if (!t->has_host)
		t->in.host = STR("");
	return CTL_DONE;
}

static enum ctl_exit
rule_find_user(struct ctl *c, struct test *t)
{
	enum ctl_part part = CTL_USERS;
	struct user_answer *is = arena_alloc(c->arena, sizeof(*is));
	struct str name = ctl_value(c, FLAG_USER);
	struct err err;

	if (!ctl_given(c, FLAG_USER))
		return CTL_DONE;
	if (is == NULL)
		return ctl_refuse("out of memory");
	if (!ctl_reachable(c, part))
		return ctl_refuse("[users] driver = %s: the users are in the "
				  "memory of the daemon and cannot be reached",
				  ctl_driver(c, part)->name);
	if (ctl_open(c, part, &err) != 0 ||
	    users_find(c->users_conn, ctl_call(c), name, is, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (!is->found)
		return ctl_refuse("no such user: %.*s", STR_ARG(name));
	if (is->user.disabled)
		buf_printf(&t->why, "%.*s is disabled and cannot sign in; ",
			   STR_ARG(name));
	else
		t->who = &is->user.who;
	return CTL_DONE;
}

static int64_t
status_of(enum access access)
{
	switch (access) {
	case ACCESS_SIGN_IN:
		return 401;
	case ACCESS_YES:
		return 204;
	case ACCESS_NO:
		break;
	}
	return 403;
}

/* Returns the status if the path had only this reading. */
static int64_t
status_of_reading(const struct test *t, size_t i)
{
	const struct access_terms one = {
		.also = t->terms.also,
		.open = t->terms.outcomes[i].verdict == RULE_PUBLIC,
		.outcomes = &t->terms.outcomes[i],
		.n = 1,
	};
	enum access_doubt doubt;

	return status_of(access_evaluate(&one, t->who, &doubt));
}

static void
explain_rule(struct test *t, const struct rule_outcome *o)
{
	if (o->rule != NULL)
		buf_printf(&t->why, "rule %.*s asks for %.*s",
			   STR_ARG(o->rule->name), STR_ARG(o->require));
	else if (str_eq(o->require, STR("deny")))
		buf_add_cstr(&t->why, "no rule matches");
	else
		buf_add_cstr(&t->why, "there are no rules: any signed-in user "
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

static void
explain_outcome(struct test *t, const struct rule_outcome *o)
{
	explain_rule(t, o);
	if (o->verdict == RULE_ASK)
		explain_user(t);
	else if (o->verdict == RULE_DENY && o->rule != NULL &&
		 !require_is_deny(o->require))
		buf_add_cstr(&t->why, " in a network, and no address is "
				      "given; give one by --ip");
}

static void
rule_explain_doubt(struct test *t)
{
	buf_printf(&t->why, "%s: ", access_doubt_text(t->doubt));
	if (t->doubt == ACCESS_HIDDEN_DOTS)
		buf_add_cstr(&t->why,
			     "decoding, reading \\ as / or removing ; "
			     "makes a segment . or .., which is always "
			     "refused");
	else if (t->terms.n == 0)
		buf_add_cstr(&t->why, "it has more readings than can be "
				      "compared");
	else if (t->terms.doubt != ACCESS_CLEAR)
		buf_add_cstr(&t->why, "only some of its readings are below a "
				      "path of [server] locations");
	else
		buf_add_cstr(&t->why, "the rules allow some of its readings "
				      "and refuse others");
}

/* Returns the reading that decides: the first that is refused; if none is, they
 * all agree. */
static const struct rule_outcome *
deciding(const struct test *t)
{
	for (size_t i = 0; i < t->terms.n; i++) {
		if (status_of_reading(t, i) != 204)
			return &t->terms.outcomes[i];
	}
	return t->terms.outcomes;
}

static void
rule_conclude(struct test *t)
{
	rule_settle(t,
		    status_of(access_evaluate(&t->terms, t->who, &t->doubt)));
	if (t->doubt != ACCESS_CLEAR) {
		rule_explain_doubt(t);
	} else {
		t->outcome = deciding(t);
		explain_outcome(t, t->outcome);
	}
}

static enum ctl_exit
evaluate(struct ctl *c, struct test *t)
{
	const struct access_question question = {
		.rule = { .host = t->in.host,
			  .method = t->in.method_name,
			  .address = t->in.remote_addr },
		.path = t->in.path,
	};
	struct sites sites;
	struct err err;

	if (sites_read(&c->settings.server.hosts, c->arena, &sites, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (t->has_host && sites.n > 0 &&
	    sites_find(&sites, t->in.host) == NULL) {
		buf_add_cstr(&t->why, "the service does not answer for this "
				      "host ([server] hosts)");
		rule_settle(t, 403);
		return CTL_DONE;
	}
	if (access_find(c->rules, &question, c->arena, &t->terms, &err) != 0) {
		buf_printf(&t->why, "the rules could not be evaluated: %s",
			   err.msg);
		rule_settle(t, 503);
		return CTL_DONE;
	}
	rule_conclude(t);
	if (!t->has_host)
		buf_add_cstr(&t->why, "; rules with a host do not match, as "
				      "the URL has none");
	return CTL_DONE;
}

/* Returns "NAME, line N", or an empty text. */
static struct str
rule_text(struct ctl *c, const struct rule_outcome *o)
{
	struct buf b;

	buf_init(&b, c->arena, WHY_MAX);
	if (o != NULL && o->rule != NULL)
		buf_printf(&b, "%.*s, line %u", STR_ARG(o->rule->name),
			   o->rule->line);
	return buf_str(&b);
}

static struct str
status_text(struct ctl *c, int64_t status)
{
	struct buf b;

	buf_init(&b, c->arena, 64);
	buf_printf(&b, "%s, %d", status == 204 ? "allowed" : "refused",
		   (int)status);
	return buf_str(&b);
}

static struct str
reading_text(struct ctl *c, const struct test *t, size_t i)
{
	const struct rule_outcome *o = &t->terms.outcomes[i];
	struct str rule = rule_text(c, o);
	struct str verdict = status_text(c, status_of_reading(t, i));
	struct buf b;

	buf_init(&b, c->arena, 16 * 1024);
	buf_add(&b, t->terms.paths[i]);
	buf_printf(&b, " (rule %.*s: %.*s; %.*s)",
		   STR_ARG(rule.n > 0 ? rule : STR("none")),
		   STR_ARG(o->require), STR_ARG(verdict));
	return buf_str(&b);
}

static int
rule_print_text(struct ctl *c, const struct test *t)
{
	const bool decided = t->outcome != NULL;
	struct table table;

	table_init(&table, c->arena, NULL, 2);
	const struct str rows[][2] = {
		{ STR("host"), t->in.host },
		{ STR("path"), t->in.path },
		{ STR("rule"), rule_text(c, t->outcome) },
		{ STR("require"), decided ? t->outcome->require : STR("") },
		{ STR("verdict"), status_text(c, t->status) },
		{ STR("why"), buf_str(&t->why) },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		table_add(&table, rows[i]);
	for (size_t i = 0; t->terms.n > 1 && i < t->terms.n; i++) {
		const struct str row[] = { STR("reading"),
					   reading_text(c, t, i) };

		table_add(&table, row);
	}
	return table_print(&table);
}

/* Returns what is reported of a reading or of the request. */
static json_t *
rule_json(struct ctl *c, struct str path, const struct rule_outcome *o)
{
	const bool rule = o != NULL && o->rule != NULL;
	const struct str require = o != NULL ? o->require : STR("");

	return json_pack("{s:o, s:o, s:o, s:o}", "path",
			 output_json_text(c->arena, path), "rule",
			 rule ? output_json_text(c->arena, o->rule->name) :
				json_null(),
			 "line",
			 rule ? json_integer(o->rule->line) : json_null(),
			 "require", output_json_text(c->arena, require));
}

static json_t *
readings_json(struct ctl *c, const struct test *t)
{
	json_t *all = json_array();

	for (size_t i = 0; all != NULL && i < t->terms.n; i++) {
		json_t *one =
		    rule_json(c, t->terms.paths[i], &t->terms.outcomes[i]);
		json_t *status = json_integer(status_of_reading(t, i));

		if (json_object_set_new(one, "status", status) != 0 ||
		    json_array_append(all, one) != 0) {
			json_decref(all);
			all = NULL;
		}
		json_decref(one);
	}
	return all;
}

static int
rule_print_json(struct ctl *c, const struct test *t)
{
	const char *doubt = access_doubt_text(t->doubt);
	json_t *all = rule_json(c, t->in.path, t->outcome);
	json_t *rest =
	    json_pack("{s:o, s:b, s:I, s:o, s:s?, s:o}", "host",
		      output_json_text(c->arena, t->in.host), "allowed",
		      (int)t->allowed, "status", (json_int_t)t->status, "why",
		      output_json_text(c->arena, buf_str(&t->why)), "reason",
		      doubt, "readings", readings_json(c, t));
	int rc = json_object_update(all, rest);

	json_decref(rest);
	if (rc != 0) {
		json_decref(all);
		return -1;
	}
	return output_json(all);
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
		status = rule_find_user(c, &t);
	if (status == CTL_DONE && t.status == 0)
		status = evaluate(c, &t);
	if (status != CTL_DONE)
		return status;
	if (buf_failed(&t.why))
		return ctl_refuse("out of memory");
	printed = ctl_given(c, FLAG_JSON) ? rule_print_json(c, &t) :
					    rule_print_text(c, &t);
	if (printed != 0)
		return ctl_refuse("out of memory");
	return t.allowed ? CTL_DONE : CTL_REFUSED;
}
