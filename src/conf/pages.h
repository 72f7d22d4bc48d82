/* SPDX-License-Identifier: MIT */
/* The section [pages]: its options (conf/sections.h). */
#ifndef CONF_PAGES_H
#define CONF_PAGES_H

#include "conf/option.h"

extern const struct option pages_options[];

#endif
