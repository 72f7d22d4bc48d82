/* SPDX-License-Identifier: MIT */
/*
 * Who may do what a request asks for: rules, the requirement of the location,
 * and what follows when its path can be read in more than one way.  Whoever is
 * let in would be let in on every reading.
 */
#ifndef AUTH_ACCESS_H
#define AUTH_ACCESS_H

#include "auth/rules.h"

/* Why a request is refused whatever its rules say. */
enum access_doubt {
	ACCESS_CLEAR = 0,
	/* http/readings.h: a client that means well sends no such path. */
	ACCESS_HIDDEN_DOTS,
	/* Some readings would let this visitor in, and some would not; or
	 * only some are where the web server asks for more (rules.h). */
	ACCESS_AMBIGUOUS,
};

/* For logs: "hidden dot segment", "ambiguous path"; NULL when clear. */
const char *access_doubt_text(enum access_doubt doubt);

struct access_question {
	struct rule_question rule;
	struct str path; /* as path_split() gives it */
	struct str also; /* as AUTH_REQUIRE brings it, valid or not */
};

/* What holds for the request, whoever sends it. */
struct access_terms {
	enum access_doubt doubt; /* refused, for all */
	struct str also; /* what the location asks for; may be empty */
	bool open; /* to everybody, with or without a credential */
	/* The readings that matter, and what the rules say of each; none when
	 * all are refused, only the path itself when no rule asks for one. */
	const struct str *paths;
	const struct rule_outcome *outcomes;
	size_t n;
};

/* -1: could not tell, as rules_judge(). */
int access_find(const struct rules *r, const struct access_question *q,
		struct arena *a, struct access_terms *out, struct err *err)
    MUST_USE;

/*
 * Why a user was refused whom access_judge() refused without a doubt: what the
 * rules say of the first reading that is closed to him, or NULL when it is the
 * requirement of the location.
 */
const struct rule_outcome *access_refused_by(const struct access_terms *t,
					const struct identity *who);

enum access {
	ACCESS_SIGN_IN = 0, /* nobody is signed in, and somebody may */
	ACCESS_NO,
	ACCESS_YES,
};

/*
 * `who` NULL: nobody is signed in.  *doubt: why not, with ACCESS_NO; else
 * clear.  Of readings that are public and readings that ask for a user, the
 * latter win over a stranger: ACCESS_SIGN_IN.
 */
enum access access_judge(const struct access_terms *t,
			 const struct identity *who, enum access_doubt *doubt);

#endif
