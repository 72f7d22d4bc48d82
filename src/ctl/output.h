/* SPDX-License-Identifier: MIT */
/*
 * Output for terminals and programs: text in columns, without control
 * sequences, and JSON.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include "base/base.h"

#include <jansson.h>

struct arena;
struct buf;

/*
 * Appends s. Every byte that the locale cannot show in a column of its own
 * becomes \xNN, and backslashes are doubled. Returns the number of columns.
 */
size_t output_escape(struct buf *out, struct str s);

/* Returns a time such as 2024-05-06T07:08:09Z, in the arena; "-" for 0. */
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
	bool failed; /* there was no memory for a row */
};

/* Begins a table. `heads` (NULL: none) become the first row. */
void table_init(struct table *t, struct arena *a, const char *const *heads,
		size_t columns);

/* Adds a row of copied and escaped cells; an empty cell shows as "-". */
void table_add(struct table *t, const struct str *cells);

/* Prints the table. Returns -1, and prints nothing, when a row was lost because
 * memory ran out. */
int table_print(const struct table *t) MUST_USE;

/* Returns a JSON string; bytes that are not UTF-8 become U+FFFD. NULL when out
 * of memory. */
json_t *output_json_text(struct arena *a, struct str s);

/* Returns the roles of an identity as an array; NULL when out of memory. */
json_t *output_json_roles(struct arena *a, struct str roles);

/* Prints in ASCII and drops the reference. Returns -1 when root is NULL. */
int output_json(json_t *root) MUST_USE;

/* As output_json(), in one line. */
int output_json_line(json_t *root) MUST_USE;

#endif
