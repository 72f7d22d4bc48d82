/* SPDX-License-Identifier: MIT */
/* Accounts in the memory factor store. Callers must hold the lock of the
 * store. */
#ifndef BACKENDS_MEMORY_ACCOUNTS_H
#define BACKENDS_MEMORY_ACCOUNTS_H

#include "strategy/factor_store.h"

struct memory_account {
	struct memory_account *next;
	struct account is; /* verified_email points to `email` */
	size_t name_n;
	char name[IDENTITY_NAME_MAX];
	char email[IDENTITY_TEXT_MAX];
};

/* All zero means empty. */
struct memory_accounts {
	struct memory_account *first;
};

void memory_accounts_destroy(struct memory_accounts *t);

/* These implement the operations account, account_set and remove_user. */
int memory_accounts_get(const struct memory_accounts *t, struct str user,
			struct arena *a, struct account *out,
			struct err *err) MUST_USE;
int memory_accounts_set(struct memory_accounts *t,
			const struct account_change *change, int64_t now_ms,
			struct err *err) MUST_USE;
size_t memory_accounts_remove(struct memory_accounts *t, struct str user);

#endif
