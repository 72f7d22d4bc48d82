/* SPDX-License-Identifier: MIT */
/*
 * Finds the rules that may match a path without a look at all of them: those
 * whose `path` is the path or one of its beginnings, and those without `path`.
 * Only auth/rules.c uses it.
 */
#ifndef AUTH_RULES_INDEX_H
#define AUTH_RULES_INDEX_H

#include "conf/settings.h"

struct arena;
struct rules_index;

/* Builds the index in `a`; NULL: out of memory. It borrows from `set`. */
struct rules_index *rules_index_new(const struct rules_settings *set,
				    struct arena *a) MUST_USE;

/* The lists of rules that are walked at once. If more beginnings of a path have
 * rules, all rules are walked. */
#define RULES_LISTS 32

/* A walk over the rules that may match one path, in the order of the file. */
struct rules_walk {
	const struct rules_index *index;
	uint32_t next[RULES_LISTS]; /* of each list */
	size_t n;
	bool all; /* every rule, of which next[0] is the next one */
};

void rules_walk_begin(struct rules_walk *w, const struct rules_index *index,
		      struct str path);

/* Returns false when there is no further rule. */
bool rules_walk_next(struct rules_walk *w, size_t *rule);

#endif
