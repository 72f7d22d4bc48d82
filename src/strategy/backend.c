/* SPDX-License-Identifier: MIT */
/* What can be asked of any backend. */
#include "strategy/backend.h"

const char *
backend_path(const struct driver *driver, const void *conf)
{
	const struct option *path = option_find(driver->options, STR("path"));
	const char *base = conf;

	if (path == NULL || path->type != OPT_PATH)
		return NULL;
	return *(const char *const *)(const void *)(base + path->offset);
}
