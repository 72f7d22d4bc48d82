/* SPDX-License-Identifier: MIT */
/* The decision on access. */
#include "auth/access.h"

#include "auth/require.h"
#include "base/arena.h"
#include "base/err.h"
#include "http/readings.h"

const char *
access_doubt_text(enum access_doubt doubt)
{
	static const char *const texts[] = {
		[ACCESS_CLEAR] = NULL,
		[ACCESS_HIDDEN_DOTS] = "hidden dot segment",
		[ACCESS_AMBIGUOUS] = "ambiguous path",
	};

	return texts[doubt];
}

/* Sets t->paths to the readings to evaluate, or t->doubt to the reason why
 * there are none. */
static int
read_path(const struct rules *r, struct str path, struct arena *a,
	  struct access_terms *t, struct err *err)
{
	struct path_readings *all;
	bool hidden;

	if (path_hides_dots(path, a, &hidden, err) != 0)
		return -1;
	if (hidden) {
		t->doubt = ACCESS_HIDDEN_DOTS;
		return 0;
	}
	all = arena_alloc(a, sizeof(*all));
	if (all == NULL)
		return err_nomem(err);
	all->v[0] = path;
	all->n = 1;
	all->complete = true;
	if (rules_see_paths(r) && path_readings(path, a, all, err) != 0)
		return -1;
	if (!all->complete)
		t->doubt = ACCESS_AMBIGUOUS;
	t->paths = all->v;
	t->n = all->complete ? all->n : 0;
	return 0;
}

/* Returns true when all readings are in the same one of server.locations, or
 * all in none. The requirement of another location is not known here. */
static bool
share_location(const struct rules *r, const struct access_terms *t)
{
	struct str first = rules_location(r, t->n > 0 ? t->paths[0] : STR(""));

	for (size_t i = 1; i < t->n; i++) {
		if (!str_eq(rules_location(r, t->paths[i]), first))
			return false;
	}
	return true;
}

static bool
are_public(const struct access_terms *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->outcomes[i].verdict != RULE_PUBLIC)
			return false;
	}
	return t->n > 0;
}

int
access_find(const struct rules *r, const struct access_question *q,
	    struct arena *a, struct access_terms *out, struct err *err)
{
	struct access_terms t = { .also = q->also };
	struct words paths;
	struct str *self;

	if (!path_is_plain(q->path)) {
		if (read_path(r, q->path, a, &t, err) != 0)
			return -1;
		if (!share_location(r, &t))
			t.doubt = ACCESS_AMBIGUOUS;
	} else {
		self = arena_alloc(a, sizeof(*self));
		if (self == NULL)
			return err_nomem(err);
		*self = q->path;
		t.paths = self;
		t.n = 1;
	}
	paths = (struct words){ .v = t.paths, .n = t.n };
	if (t.n > 0 &&
	    rules_evaluate(r, &q->rule, &paths, a, &t.outcomes, err) != 0)
		return -1;
	t.open = t.doubt == ACCESS_CLEAR && are_public(&t) &&
		 (t.also.n == 0 || require_is_public(t.also));
	*out = t;
	return 0;
}

/* Evaluates the terms when nobody is signed in. When some readings, but not
 * all, are closed to everybody, signing in does not help. */
static enum access
evaluate_anonymous(const struct access_terms *t, enum access_doubt *doubt)
{
	size_t closed = 0;

	for (size_t i = 0; i < t->n; i++)
		closed += t->outcomes[i].verdict == RULE_DENY ? 1 : 0;
	if (closed > 0 && closed < t->n) {
		*doubt = ACCESS_AMBIGUOUS;
		return ACCESS_NO;
	}
	return t->open ? ACCESS_YES : ACCESS_SIGN_IN;
}

static bool
is_met(const struct rule_outcome *o, const struct identity *who)
{
	return o->verdict != RULE_DENY && require_is_met(o->require, who);
}

const struct rule_outcome *
access_refused_by(const struct access_terms *t, const struct identity *who)
{
	if (t->also.n > 0 && !require_is_met(t->also, who))
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		if (!is_met(&t->outcomes[i], who))
			return &t->outcomes[i];
	}
	return NULL;
}

static enum access
evaluate_user(const struct access_terms *t, const struct identity *who,
	      enum access_doubt *doubt)
{
	size_t met = 0;

	if (t->also.n > 0 && !require_is_met(t->also, who))
		return ACCESS_NO;
	for (size_t i = 0; i < t->n; i++)
		met += is_met(&t->outcomes[i], who) ? 1 : 0;
	if (met > 0 && met == t->n)
		return ACCESS_YES;
	*doubt = met > 0 ? ACCESS_AMBIGUOUS : ACCESS_CLEAR;
	return ACCESS_NO;
}

enum access
access_evaluate(const struct access_terms *t, const struct identity *who,
		enum access_doubt *doubt)
{
	*doubt = t->doubt;
	if (t->doubt != ACCESS_CLEAR)
		return ACCESS_NO;
	return who != NULL ? evaluate_user(t, who, doubt) :
			     evaluate_anonymous(t, doubt);
}
