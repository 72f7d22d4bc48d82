/* SPDX-License-Identifier: MIT */
/*
 * Access rules: who may do what ([rule NAME] of fcgiauth.ini(5)).  The first
 * rule whose host, path, method and network all match decides; when there are
 * rules and none matches, the answer is no.  Without any rule every signed-in
 * user may.  What becomes of a path that has several readings: auth/access.h.
 */
#ifndef AUTH_RULES_H
#define AUTH_RULES_H

#include "strategy/identity.h"
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

/*
 * Warns of each rule that can never decide because an earlier one matches all
 * that it does, as far as that is plain: networks and regular expressions are
 * compared by their text.
 */
void rules_warn_hidden(const struct settings *set, struct problems *problems);

struct rule_question {
	struct str host; /* lower case, without port */
	struct str method; /* as sent, with case */
	struct str address; /* of the client */
};

/* Zero denies. */
enum rule_verdict {
	RULE_DENY = 0, /* for everybody: `deny`, or nothing matched */
	RULE_ASK, /* for those who meet `require` */
	RULE_PUBLIC, /* for all, also signed out or with a bad credential */
};

struct rule_outcome {
	enum rule_verdict verdict;
	/* The one that decided; NULL: none matched, or there is none. */
	const struct rule_settings *rule;
	/* What a signed-in user must meet (auth/require.h); "user" when there
	 * are no rules, "deny" when none matched. */
	struct str require;
};

/* Is there a rule that asks for a path, or a path in server.locations? */
bool rules_see_paths(const struct rules *r);

/* The longest of server.locations that the path is at or below; empty: none. */
struct str rules_location(const struct rules *r, struct str path);

/*
 * *out: an outcome for each of the paths, from `a`; they are readings of one
 * request's path, which share what regular expressions may cost.  A rule that
 * asks for a network and matches otherwise refuses an address that cannot be
 * read: RULE_DENY, though its `require` is another.  -1: could not tell (a
 * regular expression ran into its limits).
 */
int rules_judge(const struct rules *r, const struct rule_question *q,
		const struct words *paths, struct arena *a,
		const struct rule_outcome **out, struct err *err) MUST_USE;

#endif
