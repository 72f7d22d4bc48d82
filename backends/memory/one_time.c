/* SPDX-License-Identifier: MIT */
/* A list of one-time secrets. */
#include "backends/memory/one_time.h"

#include <stdlib.h>
#include <string.h>

#include "strategy/clock.h"

static void
remove_secret(struct memory_one_time_secret **at)
{
	struct memory_one_time_secret *s = *at;

	*at = s->next;
	free(s);
}

void
memory_one_time_destroy(struct memory_one_time *t)
{
	while (t->first != NULL)
		remove_secret(&t->first);
}

/* Removes the secrets of a user of these kinds; with `alone` only those that
 * were added with it. */
static size_t
void_kinds(struct memory_one_time *t, struct str user, unsigned kinds,
	   bool alone)
{
	struct memory_one_time_secret **at = &t->first;
	size_t n = 0;

	while (*at != NULL) {
		const struct memory_one_time_secret *s = *at;

		if (((unsigned)s->is.kind & kinds) != 0 &&
		    (s->alone || !alone) && str_eq(s->is.user, user)) {
			remove_secret(at);
			n++;
		} else {
			at = &(*at)->next;
		}
	}
	return n;
}

static bool
same_key(const struct one_time *a, const struct one_time *b)
{
	return a->kind == b->kind &&
	       memcmp(&a->hash, &b->hash, sizeof(a->hash)) == 0;
}

static struct memory_one_time_secret **
secret_place_of(struct memory_one_time *t, const struct one_time *key)
{
	struct memory_one_time_secret **at = &t->first;

	while (*at != NULL && !same_key(&(*at)->is, key))
		at = &(*at)->next;
	return at;
}

static struct str
secret_keep_text(struct str text, char *room)
{
	if (text.n > 0)
		memcpy(room, text.p, text.n);
	return (struct str){ .p = room, .n = text.n };
}

int
memory_one_time_put(struct memory_one_time *t, const struct one_time *s,
		    bool alone, int64_t now_ms, struct err *err)
{
	struct memory_one_time_secret *m;

	if (*secret_place_of(t, s) != NULL)
		return err_set(err, ERR_INTERNAL,
			       "one_time: the secret exists already");
	m = calloc(1, sizeof(*m) + s->user.n + s->data.n);
	if (m == NULL)
		return err_nomem(err);
	if (alone)
		(void)void_kinds(t, s->user, s->kind, true); /* any number */
	m->is = *s;
	m->is.created_ms = now_ms;
	m->is.user = secret_keep_text(s->user, m->texts);
	m->is.data = secret_keep_text(s->data, m->texts + s->user.n);
	m->alone = alone;
	m->next = t->first;
	t->first = m;
	return 0;
}

static int
copy_secret(const struct one_time *from, struct arena *a, struct one_time *to,
	    struct err *err)
{
	*to = *from;
	if (arena_copy(a, from->user, &to->user) != 0 ||
	    arena_copy(a, from->data, &to->data) != 0)
		return err_nomem(err);
	return 0;
}

int
memory_one_time_find(struct memory_one_time *t, const struct call *c,
		     const struct one_time *key, bool take,
		     struct one_time_answer *out, struct err *err)
{
	struct memory_one_time_secret **at = secret_place_of(t, key);
	struct one_time_answer is = { .found = false };

	is.found = *at != NULL && c->now_ms < (*at)->is.expires_ms &&
		   !seen_ahead((*at)->is.created_ms, c->now_ms);
	if (is.found && copy_secret(&(*at)->is, c->arena, &is.secret, err) != 0)
		return -1;
	if (is.found && take)
		remove_secret(at);
	*out = is;
	return 0;
}

size_t
memory_one_time_void(struct memory_one_time *t, struct str user, unsigned kinds)
{
	return void_kinds(t, user, kinds, false);
}

size_t
memory_one_time_sweep(struct memory_one_time *t, int64_t now_ms, size_t limit)
{
	struct memory_one_time_secret **at = &t->first;
	size_t n = 0;

	while (*at != NULL && n < limit) {
		if (now_ms < (*at)->is.expires_ms) {
			at = &(*at)->next;
			continue;
		}
		remove_secret(at);
		n++;
	}
	return n;
}
