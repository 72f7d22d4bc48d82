/* SPDX-License-Identifier: MIT */
/* Sets an option of a driver by its name, as the configuration file does. */
#ifndef TESTS_SET_OPTION_H
#define TESTS_SET_OPTION_H

#include "conf/option.h"

#include <check.h>
#include <string.h>

#include "base/str.h"

#define SET_OPTION(options, conf, name, value)                                 \
	set_option(options, conf, name, &(value), sizeof(value))

static inline void
set_option(const struct option *options, void *conf, const char *name,
	   const void *value, size_t n)
{
	const struct option *o = option_find(options, str_from(name));

	ck_assert_ptr_nonnull(o);
	memcpy((char *)conf + o->offset, value, n);
}

#endif
