/* SPDX-License-Identifier: MIT */
/* The contract suite's users in a file. */
#include "tests/contract/users_rig.h"

extern const struct user_source_ops users_sqlite;

static void
configure(const struct user_source_ops *ops, void *conf,
	  const char *const *path)
{
	const struct option *o = option_find(ops->base.options, STR("path"));

	ck_assert_ptr_nonnull(o);
	memcpy((char *)conf + o->offset, path, sizeof(*path));
}

const struct users_kind users_kind = { .ops = &users_sqlite,
				       .configure = configure };

int
kind_start(void)
{
	return 0;
}

void
kind_stop(void)
{
}
