/* SPDX-License-Identifier: MIT */
/* A list of keys and their attempts: the sweep keeps it short. */
#include "strategy/clock.h"
#include "backends/memory/attempts.h"

#include <stdlib.h>
#include <string.h>

void
memory_attempts_destroy(struct memory_attempts *t)
{
	while (t->first != NULL) {
		struct memory_counter *x = t->first;

		t->first = x->next;
		free(x);
	}
}

/* Returns whether a window or ban of at most span_ms is in force. */
static bool
memory_attempts_goes_on(const struct memory_counter *x, int64_t span_ms,
			int64_t now_ms)
{
	return now_ms < x->ends && x->ends <= latest_ms(now_ms, span_ms);
}

static bool
is_ban(const struct memory_counter *x, int64_t ban_ms, int64_t now_ms)
{
	return x->banned && memory_attempts_goes_on(x, ban_ms, now_ms);
}

static struct memory_counter *
memory_attempts_find(const struct memory_attempts *t, struct str key)
{
	struct memory_counter *x = t->first;

	while (x != NULL &&
	       !str_eq((struct str){ .p = x->key, .n = x->n }, key))
		x = x->next;
	return x;
}

static struct memory_counter *
memory_attempts_find_or_add(struct memory_attempts *t, struct str key)
{
	struct memory_counter *x = memory_attempts_find(t, key);

	if (x != NULL)
		return x;
	x = calloc(1, sizeof(*x) + key.n);
	if (x == NULL)
		return NULL;
	x->ends = INT64_MIN;
	x->n = key.n;
	memcpy(x->key, key.p, key.n);
	x->next = t->first;
	t->first = x;
	return x;
}

/* A ban that is over leaves nothing behind: the next attempt is the first. */
static void
attempts_count_one(struct memory_counter *x,
		   const struct attempt_policy *policy, int64_t now_ms)
{
	if (x->banned ||
	    !memory_attempts_goes_on(x, policy->window_ms, now_ms)) {
		x->count = 0;
		x->ends = later_ms(now_ms, policy->window_ms);
	}
	x->banned = x->count >= policy->max;
	if (x->banned)
		x->ends = later_ms(now_ms, policy->ban_ms);
	x->count++;
}

int
memory_attempts_count(struct memory_attempts *t, const struct call *c,
		      struct str key, const struct attempt_policy *policy,
		      struct attempt *out, struct err *err)
{
	struct memory_counter *x = memory_attempts_find_or_add(t, key);

	if (x == NULL)
		return err_nomem(err);
	if (!is_ban(x, policy->ban_ms, c->now_ms))
		attempts_count_one(x, policy, c->now_ms);
	*out = (struct attempt){ .banned_until_ms = x->banned ? x->ends : 0,
				 .count = x->banned ? 0 : x->count,
				 .ends_ms = x->ends };
	return 0;
}

void
memory_attempts_give_back(const struct memory_attempts *t, struct str key,
			  int64_t ends_ms)
{
	struct memory_counter *x = memory_attempts_find(t, key);

	if (x != NULL && !x->banned && x->ends == ends_ms && x->count > 0)
		x->count--;
}

int64_t
memory_attempts_banned(const struct memory_attempts *t, struct str key,
		       int64_t ban_ms, int64_t now_ms)
{
	const struct memory_counter *x = memory_attempts_find(t, key);

	return x != NULL && is_ban(x, ban_ms, now_ms) ? x->ends : 0;
}

bool
memory_attempts_reset(struct memory_attempts *t, struct str key)
{
	struct memory_counter *x = memory_attempts_find(t, key),
			      **at = &t->first;
	bool was_banned;

	if (x == NULL)
		return false;
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	was_banned = x->banned;
	free(x);
	return was_banned;
}

/* The ban that ends last comes first; then by key. */
static int
memory_attempts_compare(const void *left, const void *right)
{
	const struct ban *a = left, *b = right;

	if (a->until_ms != b->until_ms)
		return a->until_ms < b->until_ms ? 1 : -1;
	return str_order(a->key, b->key);
}

int
memory_attempts_bans(const struct memory_attempts *t, const struct call *c,
		     int64_t ban_ms, size_t limit, struct ban_list *out,
		     struct err *err)
{
	struct ban *v;
	size_t got = 0, all = 0;

	for (const struct memory_counter *x = t->first; x != NULL; x = x->next)
		all += is_ban(x, ban_ms, c->now_ms);
	v = arena_array(c->arena, all, sizeof(*v));
	if (v == NULL)
		return err_nomem(err);
	for (const struct memory_counter *x = t->first; x != NULL;
	     x = x->next) {
		if (!is_ban(x, ban_ms, c->now_ms))
			continue;
		if (arena_copy(c->arena, (struct str){ .p = x->key, .n = x->n },
			       &v[got].key) != 0)
			return err_nomem(err);
		v[got++].until_ms = x->ends;
	}
	qsort(v, got, sizeof(*v), memory_attempts_compare);
	*out = (struct ban_list){ .v = v, .n = got < limit ? got : limit };
	return 0;
}

size_t
memory_attempts_sweep(struct memory_attempts *t, int64_t now_ms, size_t limit)
{
	struct memory_counter **at = &t->first;
	size_t removed = 0;

	while (*at != NULL && removed < limit) {
		struct memory_counter *x = *at;

		if (now_ms < x->ends) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		free(x);
		removed++;
	}
	return removed;
}
