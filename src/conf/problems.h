/* SPDX-License-Identifier: MIT */
/*
 * All problems of a configuration, each with file, line, section and key, as
 * they are shown to the administrator.
 */
#ifndef CONF_PROBLEMS_H
#define CONF_PROBLEMS_H

#include "base/base.h"

struct arena;

/* Further problems are counted but not stored, so that memory is bounded. */
#define PROBLEMS_MAX 1000

struct problem {
	const char *text; /* "FILE:LINE: [section] key: what is wrong" */
	struct problem *next;
};

struct problems {
	struct arena *arena;
	struct problem *first, **last;
	size_t count;
	/* used when there is no memory for a problem */
	struct problem no_memory;
	/* Warnings; not included in `count`. */
	struct problem *first_warning, **last_warning;
	size_t warnings;
};

/* Initialises *p. It contains pointers to itself and must not be copied. */
void problems_init(struct problems *p, struct arena *a);

/*
 * Where a problem is: `file`:`line` (0: no line), [section name] key; empty
 * strings are omitted.
 */
struct place {
	const char *file;
	unsigned line;
	struct str section, name, key;
};

void problems_add(struct problems *p, const struct place *at, const char *fmt,
		  ...) PRINTF(3, 4);

/* Adds a warning: "FILE:LINE: warning: [section] key: ...". --check prints it,
 * and its exit status stays 0; the daemon logs it at start and at reload. */
void problems_warn(struct problems *p, const struct place *at, const char *fmt,
		   ...) PRINTF(3, 4);

#endif
