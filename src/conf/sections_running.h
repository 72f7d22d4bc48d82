/* SPDX-License-Identifier: MIT */
/* The option tables of the sections about the running service, which
 * conf/sections.c lists. */
#ifndef CONF_SECTIONS_RUNNING_H
#define CONF_SECTIONS_RUNNING_H

#include "conf/settings.h"

extern const struct option cache_options[], metrics_options[];

#endif
