/* SPDX-License-Identifier: MIT */
/*
 * What goes to a terminal or a program: text in columns in which nothing can
 * be a control sequence, and JSON.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include "base/base.h"

#include <jansson.h>

struct arena;
struct buf;

/*
 * Appends s with every byte that the locale cannot show in a column of its own
 * as \xNN, and backslashes doubled.  Returns the columns it takes.
 */
size_t output_escape(struct buf *out, struct str s);

/* 2024-05-06T07:08:09Z into the arena; "-" for 0. */
struct str output_time(struct arena *a, int64_t seconds);

#define TABLE_COLUMNS 8

struct table_cell {
	struct str text; /* escaped */
	size_t width;
};

struct table_row {
	struct table_row *next;
	struct table_cell cells[TABLE_COLUMNS];
};

struct table {
	struct arena *arena;
	size_t columns;
	struct table_row *first, **last;
	bool failed; /* no memory for a row */
};

/* `heads` (NULL: none) become the first row. */
void table_init(struct table *t, struct arena *a, const char *const *heads,
		size_t columns);

/* Copies and escapes; an empty cell shows as "-". */
void table_add(struct table *t, const struct str *cells);

/* -1 when a row was lost for want of memory: then nothing is printed. */
int table_print(const struct table *t) MUST_USE;

/* A JSON string; bytes that are not UTF-8 become U+FFFD.  NULL: no memory. */
json_t *output_json_text(struct arena *a, struct str s);

/* The roles of an identity as an array.  NULL: no memory. */
json_t *output_json_roles(struct arena *a, struct str roles);

/* Prints in ASCII and drops the reference.  -1 when root is NULL. */
int output_json(json_t *root) MUST_USE;

/* The same in one line. */
int output_json_line(json_t *root) MUST_USE;

#endif
