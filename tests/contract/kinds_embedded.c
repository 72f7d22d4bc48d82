/* SPDX-License-Identifier: MIT */
/* The contract suite's stores that need no server. */
#include "tests/contract/store_rig.h"

#include <string.h>

extern const struct session_store_ops store_memory, store_sqlite;

static void
configure_file(const struct session_store_ops *ops, void *conf,
	       const char *path)
{
	const struct option *o = option_find(ops->base.options, STR("path"));

	ck_assert_ptr_nonnull(o);
	memcpy((char *)conf + o->offset, &path, sizeof(path));
}

static void
configure_nothing(const struct session_store_ops *ops, void *conf,
		  const char *path)
{
	(void)ops;
	(void)conf;
	(void)path; /* no options */
}

const struct store_kind store_kinds[] = {
	{ .ops = &store_memory, .configure = configure_nothing },
	{ .ops = &store_sqlite, .configure = configure_file },
};
const size_t store_nkinds = ARRAY_LEN(store_kinds);

int
kinds_start(void)
{
	return 0;
}

void
kinds_stop(void)
{
}
