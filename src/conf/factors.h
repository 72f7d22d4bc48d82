/* SPDX-License-Identifier: MIT */
/* What [factors] driver = auto stands for, and the warnings about [factors]. */
#ifndef CONF_FACTORS_H
#define CONF_FACTORS_H

#include "conf/loader.h"

/*
 * Replaces the driver "auto" by what it stands for: the driver of [users] with
 * its keys, if it is also a factor store that survives a restart, and its
 * tables are ours; else that of [store], if the mode uses the store; else
 * "none". All sections must be loaded; after a problem with one of the drivers
 * nothing is done.
 */
void factors_resolve(const struct loader *l);

/* Returns whether there is no factor store. */
bool factors_are_none(const struct settings *s);

/* Warnings for conf/checks.c: the factor store is lost at a restart; it is a
 * file of this host, while other hosts share the store. */
int factors_last(const struct settings *s, struct err *err) MUST_USE;
int factors_reach_hosts(const struct settings *s, struct err *err) MUST_USE;

#endif
