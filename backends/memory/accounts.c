/* SPDX-License-Identifier: MIT */
/* A list of accounts. */
#include "backends/memory/accounts.h"

#include <stdlib.h>
#include <string.h>

void
memory_accounts_destroy(struct memory_accounts *t)
{
	while (t->first != NULL) {
		struct memory_account *m = t->first;

		t->first = m->next;
		free(m);
	}
}

/* Returns the pointer to the account, or the NULL pointer at the end of the
 * list. */
static struct memory_account **
account_place_of(struct memory_account **at, struct str user)
{
	while (*at != NULL &&
	       !str_eq((struct str){ .p = (*at)->name, .n = (*at)->name_n },
		       user))
		at = &(*at)->next;
	return at;
}

int
memory_accounts_get(const struct memory_accounts *t, struct str user,
		    struct arena *a, struct account *out, struct err *err)
{
	struct memory_account *first = t->first;
	const struct memory_account *m = *account_place_of(&first, user);
	struct account is = { .since_ms = 0 };

	if (m != NULL) {
		is = m->is;
		if (arena_copy(a, m->is.verified_email, &is.verified_email) !=
		    0)
			return err_nomem(err);
	}
	*out = is;
	return 0;
}

static struct memory_account *
account_add(struct memory_accounts *t, const struct account_change *change,
	    int64_t now_ms)
{
	struct memory_account *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	memcpy(m->name, change->user.p, change->user.n);
	m->name_n = change->user.n;
	memcpy(m->is.handle, change->handle, sizeof(m->is.handle));
	m->is.since_ms = now_ms;
	m->is.verified_email = STR("");
	m->next = t->first;
	t->first = m;
	return m;
}

int
memory_accounts_set(struct memory_accounts *t,
		    const struct account_change *change, int64_t now_ms,
		    struct err *err)
{
	struct memory_account *m = *account_place_of(&t->first, change->user);
	const struct str email = change->verified_email;

	if (m == NULL)
		m = account_add(t, change, now_ms);
	if (m == NULL)
		return err_nomem(err);
	if ((change->fields & ACCOUNT_MUST_CHANGE) != 0)
		m->is.must_change = change->must_change;
	if ((change->fields & ACCOUNT_NOTIFY) != 0)
		m->is.notify = change->notify;
	if ((change->fields & ACCOUNT_VERIFIED_EMAIL) != 0) {
		if (email.n > 0)
			memcpy(m->email, email.p, email.n);
		m->is.verified_email =
		    (struct str){ .p = m->email, .n = email.n };
	}
	return 0;
}

size_t
memory_accounts_remove(struct memory_accounts *t, struct str user)
{
	struct memory_account **at = account_place_of(&t->first, user);
	struct memory_account *m = *at;

	if (m == NULL)
		return 0;
	*at = m->next;
	free(m);
	return 1;
}
