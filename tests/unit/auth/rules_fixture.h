/* SPDX-License-Identifier: MIT */
/* Rules from a text, and the rule that decides about a request. */
#ifndef UNIT_AUTH_RULES_FIXTURE_H
#define UNIT_AUTH_RULES_FIXTURE_H

#include "auth/access.h"
#include "http/path.h"
#include "tests/unit/conf/drivers.h"

struct fixture {
	struct parsed parsed;
	struct rules *rules;
};

static inline void
fixture_init(struct fixture *r, struct str ini)
{
	parse(&r->parsed, ini);
	ck_assert_msg(r->parsed.rc == 0, "%s", first_problem(&r->parsed));
	ck_assert_msg(rules_compile(&r->parsed.settings, r->parsed.arena,
				    &r->rules, &r->parsed.problems) == 0,
		      "%s", first_problem(&r->parsed));
}

static inline void
fixture_free(struct fixture *r)
{
	arena_free(r->parsed.arena);
}

/* A request as a client sends it. */
struct asked {
	const char *method, *host, *uri, *address;
};

#define GET(uri)                                                               \
	{                                                                      \
		"GET", "www.example.com", uri, "192.0.2.7"                     \
	}

/* The rule that decides about each reading of the path: its name, or "" if no
 * rule matches; "several" if the readings have different rules; "refused" if
 * the path is malformed or hides dot segments; "untold" if the rules have no
 * answer. */
static inline struct str
ask(const struct fixture *r, const struct asked *q, enum rule_verdict *verdict)
{
	struct access_question question = {
		.rule = { .host = str_from(q->host),
			  .method = str_from(q->method),
			  .address = str_from(q->address) },
	};
	struct access_terms terms;
	struct str query;
	struct err err;

	*verdict = RULE_DENY;
	if (path_split(str_from(q->uri), r->parsed.arena, &question.path,
		       &query, &err) != 0)
		return STR("refused");
	if (access_find(r->rules, &question, r->parsed.arena, &terms, &err) !=
	    0)
		return STR("untold");
	if (terms.doubt != ACCESS_CLEAR)
		return STR("refused");
	for (size_t i = 1; i < terms.n; i++) {
		if (terms.outcomes[i].rule != terms.outcomes[0].rule)
			return STR("several");
	}
	*verdict = terms.outcomes[0].verdict;
	return terms.outcomes[0].rule != NULL ? terms.outcomes[0].rule->name :
						STR("");
}

static inline void
expect(const struct fixture *r, const struct asked *q, const char *name,
       size_t row)
{
	enum rule_verdict verdict;
	struct str got = ask(r, q, &verdict);

	ck_assert_msg(str_eq(got, str_from(name)),
		      "row %zu, %s %s: the rule is \"%.*s\", not \"%s\"", row,
		      q->method, q->uri, STR_ARG(got), name);
	ck_assert_msg(got.n > 0 || verdict == RULE_DENY, "row %zu", row);
}

#endif
