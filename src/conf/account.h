/* SPDX-License-Identifier: MIT */
/* The options of the section [account] (conf/sections.h). */
#ifndef CONF_ACCOUNT_H
#define CONF_ACCOUNT_H

#include "conf/option.h"

extern const struct option account_options[];

#endif
