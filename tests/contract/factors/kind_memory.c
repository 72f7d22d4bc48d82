/* SPDX-License-Identifier: MIT */
/* The factor store in memory for the contract suite. */
#include "tests/contract/factors/fixture.h"

extern const struct factor_store_ops factors_memory;

const struct factors_kind factors_kind = { .ops = &factors_memory };

int
kind_start(void)
{
	return 0;
}

void
kind_stop(void)
{
}
