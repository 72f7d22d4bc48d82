/* SPDX-License-Identifier: MIT */
/*
 * The decision on access: it combines the rules, the requirement of the
 * location, and the readings of a path that can be understood in more than one
 * way. A user is allowed only if every reading of the path allows them.
 */
#ifndef AUTH_ACCESS_H
#define AUTH_ACCESS_H

#include "auth/rules.h"

/* Reasons for which a request is refused regardless of its rules. */
enum access_doubt {
	ACCESS_CLEAR = 0,
	/* The path hides dot segments (http/readings.h); no legitimate client
	 * sends such a path. */
	ACCESS_HIDDEN_DOTS,
	/* Some readings allow this visitor and some do not, or the readings are
	 * in different locations, for which the web server may have different
	 * requirements (rules.h). */
	ACCESS_AMBIGUOUS,
};

/* Returns the text for logs: "hidden dot segment", "ambiguous path"; NULL for
 * ACCESS_CLEAR. */
const char *access_doubt_text(enum access_doubt doubt);

struct access_question {
	struct rule_question rule;
	struct str path; /* as returned by path_split() */
	struct str also; /* the value of AUTH_REQUIRE, valid or not */
};

/* The part of the decision that does not depend on the user. */
struct access_terms {
	enum access_doubt doubt; /* if not ACCESS_CLEAR, everybody is refused */
	struct str also; /* requirement of the location; may be empty */
	bool open; /* allowed with and without a credential */
	/* The readings to evaluate, and the outcome of the rules for each.
	 * There are none when `doubt` refuses everybody, and only the path
	 * itself when no rule matches by path. */
	const struct str *paths;
	const struct rule_outcome *outcomes;
	size_t n;
};

/* Computes the terms of a request; they are allocated in `a`. Returns -1 when
 * the rules cannot be evaluated (rules_evaluate()). */
int access_find(const struct rules *r, const struct access_question *q,
		struct arena *a, struct access_terms *out,
		struct err *err) MUST_USE;

/*
 * Returns why access_evaluate() refused this user with ACCESS_CLEAR: the
 * outcome of the first reading whose requirement the user does not meet, or
 * NULL when they do not meet the requirement of the location.
 */
const struct rule_outcome *access_refused_by(const struct access_terms *t,
					     const struct identity *who);

enum access {
	ACCESS_SIGN_IN = 0, /* not signed in; a signed-in user may be allowed */
	ACCESS_NO,
	ACCESS_YES,
};

/*
 * Evaluates the terms for a user; `who` is NULL when nobody is signed in. With
 * ACCESS_NO, *doubt is the reason, or ACCESS_CLEAR when a requirement is not
 * met; otherwise it is ACCESS_CLEAR. When nobody is signed in and some
 * readings are public while others require a user, the result is
 * ACCESS_SIGN_IN.
 */
enum access access_evaluate(const struct access_terms *t,
			    const struct identity *who,
			    enum access_doubt *doubt);

#endif
