/* SPDX-License-Identifier: MIT */
/* A file of users: htpasswd, CSV or JSON lines. What is read is valid. */
#include "ctl/user_record.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "strategy/users.h"
#include "tests/support/fuzz.h"

static void
check(const struct user_record *r)
{
	const struct identity who = {
		.name = r->text[USER_FIELD_NAME],
		.roles = r->text[USER_FIELD_ROLES],
		.email = r->text[USER_FIELD_EMAIL],
		.full_name = r->text[USER_FIELD_FULL_NAME],
	};
	struct err err;

	assert(r->given[USER_FIELD_NAME]);
	assert(identity_check(&who, &err) == 0);
	assert(r->text[USER_FIELD_HASH].n <= USERS_HASH_MAX);
	assert(!r->given[USER_FIELD_HASH] || !r->given[USER_FIELD_PASSWORD]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(1024 * 1024);
	struct user_reader *r = calloc(1, sizeof(*r));
	struct user_record record = { .line = 1 };
	struct err err = { .code = ERR_NONE };

	assert(a != NULL && r != NULL);
	r->in = n == 0 ? NULL : fmemopen((void *)(uintptr_t)data, n, "r");
	while (r->in != NULL && record.line > 0) {
		arena_reset(a);
		if (user_record_next(r, a, &record, &err) != 0) {
			if (err.code != ERR_INPUT)
				break;
		} else if (record.line > 0) {
			assert(record.line == r->line);
			check(&record);
		}
	}
	if (r->in != NULL)
		(void)fclose(r->in);
	free(r);
	arena_free(a);
	return 0;
}
