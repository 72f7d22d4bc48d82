/* SPDX-License-Identifier: MIT */
/* The memory store of the contract suite. */
#include "tests/contract/store/fixture.h"

extern const struct session_store_ops store_memory;

static void
configure(const struct session_store_ops *ops, void *conf, const char *path)
{
	(void)ops;
	(void)conf;
	(void)path; /* no options */
}

const struct store_kind store_kinds[] = {
	{ .ops = &store_memory, .configure = configure },
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
