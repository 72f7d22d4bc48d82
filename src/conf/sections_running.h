/* SPDX-License-Identifier: MIT */
/* The option tables of some sections, which conf/sections.c lists: those about
 * the running service, and the links of the account page. */
#ifndef CONF_SECTIONS_RUNNING_H
#define CONF_SECTIONS_RUNNING_H

#include "conf/settings.h"

extern const struct option cache_options[], metrics_options[], link_options[];

#endif
