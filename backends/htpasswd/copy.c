/* SPDX-License-Identifier: MIT */
/* Copies users out of a table. */
#include "backends/htpasswd/copy.h"

int
htpasswd_copy_user(const struct htpasswd_user *from, struct arena *a,
		   struct user *out, struct err *err)
{
	const struct identity who = { .name = from->name,
				      .roles = from->roles };
	struct user u = { .disabled = false, .line = from->line };

	if (identity_copy(a, &who, &u.who) != 0 ||
	    arena_copy(a, from->hash, &u.hash) != 0)
		return err_nomem(err);
	*out = u;
	return 0;
}

#define TYPED_MAX 3 /* the exact name and two others */

int
htpasswd_copy_typed(const struct htpasswd *h, struct arena *a, struct str text,
		    struct user_list *out, struct err *err)
{
	const struct htpasswd_user *exact = htpasswd_find(h, text);
	struct user_list list = { .v = arena_array(a, TYPED_MAX,
						   sizeof(*list.v)) };

	if (list.v == NULL)
		return err_nomem(err);
	if (exact != NULL &&
	    htpasswd_copy_user(exact, a, &list.v[list.n++], err) != 0)
		return -1;
	for (size_t i = 0; i < h->n; i++) {
		if (!str_eq_nocase(h->v[i].name, text) || &h->v[i] == exact ||
		    list.n == TYPED_MAX)
			continue;
		if (htpasswd_copy_user(&h->v[i], a, &list.v[list.n++], err) !=
		    0)
			return -1;
	}
	*out = list;
	return 0;
}

int
htpasswd_copy_list(const struct htpasswd *h, struct arena *a, struct str after,
		   size_t limit, struct user_list *out, struct err *err)
{
	size_t at = htpasswd_position(h, after);
	struct user_list list;

	if (at < h->n && str_eq(h->v[at].name, after))
		at++;
	list.n = h->n - at < limit ? h->n - at : limit;
	list.v = arena_array(a, list.n + 1, sizeof(*list.v));
	if (list.v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < list.n; i++) {
		if (htpasswd_copy_user(&h->v[at + i], a, &list.v[i], err) != 0)
			return -1;
	}
	*out = list;
	return 0;
}
