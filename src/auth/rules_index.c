/* SPDX-License-Identifier: MIT */
/* An index of rules: a hash table of their paths. */
#include "auth/rules_index.h"

#include "base/arena.h"

#define NONE UINT32_MAX

/* The rules of one path, the first one of the file first. */
struct rules_list {
	struct str path;
	uint32_t first;
};

struct rules_index {
	const struct rules_settings *set;
	uint32_t *next; /* for each rule, the next one in its list */
	uint32_t any; /* the first rule without `path` */
	struct rules_list *lists; /* open addressing; first is NONE if free */
	size_t nlists; /* a power of 2, at least twice the number of rules */
};

/* Returns the list of a path, or the free place for it. */
static struct rules_list *
find_list(const struct rules_index *index, struct str path, uint32_t hash)
{
	size_t at = hash & (index->nlists - 1);

	while (index->lists[at].first != NONE &&
	       !str_eq(index->lists[at].path, path))
		at = (at + 1) & (index->nlists - 1);
	return &index->lists[at];
}

static void
add_rule(struct rules_index *index, uint32_t number)
{
	const struct str path = index->set->v[number].path;
	uint32_t hash = STR_HASH_BEGIN;
	struct rules_list *list;

	if (path.n == 0) {
		index->next[number] = index->any;
		index->any = number;
		return;
	}
	for (size_t i = 0; i < path.n; i++)
		hash = str_hash_on(hash, path.p[i]);
	list = find_list(index, path, hash);
	index->next[number] = list->first;
	list->path = path;
	list->first = number;
}

struct rules_index *
rules_index_new(const struct rules_settings *set, struct arena *a)
{
	struct rules_index *index = arena_alloc(a, sizeof(*index));

	if (index == NULL)
		return NULL;
	index->set = set;
	index->any = NONE;
	index->nlists = 2;
	while (index->nlists < 2 * set->n)
		index->nlists *= 2;
	index->next = arena_array(a, set->n, sizeof(*index->next));
	index->lists = arena_array(a, index->nlists, sizeof(*index->lists));
	if (index->next == NULL || index->lists == NULL)
		return NULL;
	for (size_t i = 0; i < index->nlists; i++)
		index->lists[i].first = NONE;
	/* Each rule goes to the beginning of its list. */
	for (size_t i = set->n; i > 0; i--)
		add_rule(index, (uint32_t)(i - 1));
	return index;
}

static void
add_list(struct rules_walk *w, uint32_t first)
{
	if (first == NONE || w->all)
		return;
	if (w->n == RULES_LISTS) {
		w->all = true;
		w->next[0] = 0;
		return;
	}
	w->next[w->n++] = first;
}

/* A beginning of a path ends with the path, before a slash or after one: see
 * path_below() of http/path.h. */
static bool
is_boundary(struct str path, size_t n)
{
	return n == path.n || path.p[n] == '/' || path.p[n - 1] == '/';
}

void
rules_walk_begin(struct rules_walk *w, const struct rules_index *index,
		 struct str path)
{
	uint32_t hash = STR_HASH_BEGIN;

	w->index = index;
	w->n = 0;
	w->all = false;
	add_list(w, index->any);
	for (size_t n = 1; n <= path.n && !w->all; n++) {
		const struct str beginning = { .p = path.p, .n = n };

		hash = str_hash_on(hash, path.p[n - 1]);
		if (is_boundary(path, n))
			add_list(w, find_list(index, beginning, hash)->first);
	}
}

static bool
walk_all(struct rules_walk *w, size_t *rule)
{
	if (w->next[0] >= w->index->set->n)
		return false;
	*rule = w->next[0]++;
	return true;
}

bool
rules_walk_next(struct rules_walk *w, size_t *rule)
{
	size_t least = 0;

	if (w->all)
		return walk_all(w, rule);
	for (size_t i = 1; i < w->n; i++) {
		if (w->next[i] < w->next[least])
			least = i;
	}
	if (w->n == 0 || w->next[least] == NONE)
		return false;
	*rule = w->next[least];
	w->next[least] = w->index->next[*rule];
	return true;
}
