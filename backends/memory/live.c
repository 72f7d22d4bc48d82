/* SPDX-License-Identifier: MIT */
/* Counts the live sessions of the memory store, and their users. */
#include "backends/memory/sessions.h"

#include <stdlib.h>
#include <string.h>

static int
live_compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Returns how many different names there are, which it sorts. */
static int64_t
live_users(const char **names, size_t n)
{
	int64_t users = 0;

	qsort(names, n, sizeof(*names), live_compare);
	for (size_t i = 0; i < n; i++)
		users += i == 0 || strcmp(names[i], names[i - 1]) != 0;
	return users;
}

int
memory_sessions_count(const struct memory_sessions *t, int64_t now_ms,
		      struct session_counts *out, struct err *err)
{
	const char **names = calloc(t->n + 1, sizeof(*names));
	size_t n = 0;

	if (names == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < t->n; i++) {
		/* The data begin with the name. */
		if (memory_entry_is_alive(t->all[i], now_ms))
			names[n++] = t->all[i]->data;
	}
	*out = (struct session_counts){ .sessions = (int64_t)n,
					.users = live_users(names, n) };
	free(names);
	return 0;
}
