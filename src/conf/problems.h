/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a configuration: all of it, each with file, line,
 * section and key, in the words shown to the administrator.
 */
#ifndef CONF_PROBLEMS_H
#define CONF_PROBLEMS_H

#include "base/base.h"

struct arena;

/* More are counted, not kept: nobody reads on, and memory has an end. */
#define PROBLEMS_MAX 1000

struct problem {
	const char *text; /* "FILE:LINE: [section] key: what is wrong" */
	struct problem *next;
};

struct problems {
	struct arena *arena;
	struct problem *first, **last;
	size_t count;
	struct problem no_memory; /* for when there is none for a problem */
	/* What may be meant, and is worth a word; not counted above. */
	struct problem *first_warning, **last_warning;
	size_t warnings;
};

/* Points into itself: never copy it. */
void problems_init(struct problems *p, struct arena *a);

/*
 * `file`:`line` (0: not about a line), [section name] key; empty strings are
 * left out.  The rest says what is wrong and, where it helps, what is meant:
 * no period, no secrets.
 */
struct place {
	const char *file;
	unsigned line;
	struct str section, name, key;
};

void problems_add(struct problems *p, const struct place *at, const char *fmt,
		  ...) PRINTF(3, 4);

/* The same of what stops nobody: "FILE:LINE: warning: [section] key: ...".
 * --check prints it, start and reload log it; its exit status stays 0. */
void problems_warn(struct problems *p, const struct place *at, const char *fmt,
		   ...) PRINTF(3, 4);

#endif
