/* SPDX-License-Identifier: MIT */
/* The section [account]: its options (conf/sections.h), and a rule over several
 * options (conf/checks.h). */
#ifndef CONF_ACCOUNT_H
#define CONF_ACCOUNT_H

#include "conf/option.h"

struct err;
struct settings;

extern const struct option account_options[];

/* Links can be sent only if mail can. */
int account_reset_suits_mail(const struct settings *s,
			     struct err *err) MUST_USE;

#endif
