/* SPDX-License-Identifier: MIT */
/*
 * Access rules ([rule NAME] of fcgiauth.ini(5)). The first rule whose host,
 * path, method and network all match decides; if there are rules and none
 * matches, the request is denied. Without any rule, every signed-in user is
 * allowed. auth/access.h handles paths that have several readings.
 */
#ifndef AUTH_RULES_H
#define AUTH_RULES_H

#include "strategy/identity.h"
#include "conf/settings.h"

struct arena;
struct err;
struct problems;

/* Compiled settings.rules; const, so any thread may use them. */
struct rules;

/*
 * Compiles the rules. They borrow from `set`; everything else is allocated in
 * `a` or freed with it. Each mistake in a rule is added to `problems` with its
 * line; then the result is -1.
 */
int rules_compile(const struct settings *set, struct arena *a,
		  struct rules **out, struct problems *problems) MUST_USE;

/*
 * Warns of each rule that can never decide, because an earlier rule matches
 * every request that it matches. Networks and regular expressions are compared
 * as text only, so some such rules are not found.
 */
void rules_warn_hidden(const struct settings *set, struct problems *problems);

struct rule_question {
	struct str host; /* lower case, without port */
	struct str method; /* as sent; case is significant */
	struct str address; /* address of the client */
};

/* Zero denies. */
enum rule_verdict {
	/* Denied to everybody: by `deny`, or because no rule matched. */
	RULE_DENY = 0,
	RULE_ASK, /* allowed for users who meet `require` */
	/* Allowed for everybody, also without a valid credential. */
	RULE_PUBLIC,
};

struct rule_outcome {
	enum rule_verdict verdict;
	/* The rule that decided; NULL: none matched, or there are no rules. */
	const struct rule_settings *rule;
	/* The requirement for a signed-in user (auth/require.h); "user" when
	 * there are no rules, "deny" when none matched. */
	struct str require;
};

/* Returns true when a rule matches by path, or server.locations has a path. */
bool rules_see_paths(const struct rules *r);

/* Returns the longest of server.locations that is equal to the path or contains
 * it; empty: none. */
struct str rules_location(const struct rules *r, struct str path);

/*
 * Evaluates the rules for each of the paths, which are the readings of the path
 * of one request and share the limits of regular expressions. *out has an
 * outcome for each path, allocated in `a`. If the address of the client cannot
 * be parsed, a rule with networks that matches in all other respects results in
 * RULE_DENY, although its `require` differs. Returns -1 when the rules cannot
 * be evaluated (a regular expression exceeded its limits).
 */
int rules_evaluate(const struct rules *r, const struct rule_question *q,
		   const struct words *paths, struct arena *a,
		   const struct rule_outcome **out, struct err *err) MUST_USE;

#endif
