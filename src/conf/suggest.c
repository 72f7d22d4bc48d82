/* SPDX-License-Identifier: MIT */
/*
 * Edit distance (insert, delete, replace, swap neighbours): the usual mistake
 * is one letter.
 */
#include "conf/suggest.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define NAME_MAX_BYTES 63

void
nearest_init(struct nearest *n, struct str wanted)
{
	*n = (struct nearest){ .wanted = wanted };
	/* A suggestion may have one mistake in three letters. */
	n->distance = wanted.n / 3 + 1;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Three rows of the usual matrix: the last but one, the last and this one. */
static size_t
distance(struct str a, struct str b)
{
	size_t rows[3][NAME_MAX_BYTES + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	memset(rows, 0, sizeof(rows));
	for (size_t j = 0; j <= b.n; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			bool same = a.p[i - 1] == b.p[j - 1];

			row[j] = smaller(last[j - 1] + (same ? 0 : 1),
					 smaller(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[b.n];
}

void
nearest_offer(struct nearest *n, const char *name, const char *suffix)
{
	char known[NAME_MAX_BYTES + 1];
	int length = snprintf(known, sizeof(known), "%s%s", name, suffix);
	size_t d;

	if (length < 0 || length > NAME_MAX_BYTES ||
	    n->wanted.n > NAME_MAX_BYTES)
		return;
	d = distance(n->wanted, str_from(known));
	if (d >= n->distance)
		return;
	n->distance = d;
	n->name = name;
	n->suffix = suffix;
}
