/* SPDX-License-Identifier: MIT */
/* The cache of a service that is a function. */
#include "tests/support/flow.h"

#include <check.h>

#include "auth/cache.h"

static void
change_cache(void *ctx, const struct change *change)
{
	cache_change(ctx, change);
}

void
flow_cache(struct flow *f)
{
	struct cache *c = cache_new(100);

	ck_assert_ptr_nonnull(c);
	cache_set_trust(c, f->service->generation, CACHE_LOCAL, 0);
	f->sink = (struct change_sink){ .changed = change_cache, .ctx = c };
	f->shared.cache = c;
	f->shared.changes = f->store->changes = &f->sink;
}
