/* SPDX-License-Identifier: MIT */
/* The section [account]: its options (conf/sections.h), and rules over it and
 * other sections (conf/checks.h). */
#ifndef CONF_ACCOUNT_H
#define CONF_ACCOUNT_H

#include "conf/option.h"

struct err;
struct settings;

extern const struct option account_options[];

/* reset = mail needs [mail], a factor store, and an address for the links;
 * notify_login needs the first two. */
int account_can_mail(const struct settings *s, struct err *err) MUST_USE;
int account_can_notify(const struct settings *s, struct err *err) MUST_USE;

#endif
