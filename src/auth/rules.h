/* SPDX-License-Identifier: MIT */
/*
 * Access rules: who may do what ([rule NAME] of fcgiauth.ini(5)).  The first
 * rule whose host, path, method and network all match decides; when there are
 * rules and none matches, the answer is no.  Without any rule every signed-in
 * user may.  A rule's path is compared with the path as http/path.h reads it.
 */
#ifndef AUTH_RULES_H
#define AUTH_RULES_H

#include "api/identity.h"
#include "conf/settings.h"

struct arena;
struct err;
struct problems;

/* Compiled from settings.rules; const, any thread. */
struct rules;

/*
 * Borrows `set`; everything else from `a` or freed with it.  Each mistake in a
 * rule becomes a problem with its line; then -1.
 */
int rules_compile(const struct settings *set, struct arena *a,
		  struct rules **out, struct problems *problems) MUST_USE;

struct rule_question {
	struct str host;   /* lower case, without port */
	struct str path;   /* normalised */
	struct str method; /* as sent, with case */
	struct str address; /* of the client */
};

/* Zero denies. */
enum rule_verdict {
	RULE_DENY = 0, /* for everybody: `deny`, or nothing matched */
	RULE_ASK,      /* for those who meet *require */
	RULE_PUBLIC,   /* for all, also signed out or with a bad credential */
};

/*
 * *rule: the one that decided; NULL when none matched (or there is none).
 * *require: what a signed-in user must meet (auth/require.h); "user" when
 * there are no rules, "deny" when none matched.  A rule that asks for a network
 * and matches otherwise refuses an address that cannot be read: RULE_DENY,
 * though its `require` is another.  -1: could not tell (a regular expression
 * ran into its limits).
 */
int rules_judge(const struct rules *r, const struct rule_question *q,
		enum rule_verdict *verdict, const struct rule_settings **rule,
		struct str *require, struct err *err) MUST_USE;

#endif
