/* SPDX-License-Identifier: MIT */
/*
 * What the hosts of [server] mean for the other sections: rules of
 * conf/checks.h over several options.  Each is 0, or -1 with what is wrong.
 */
#ifndef CONF_HOSTS_H
#define CONF_HOSTS_H

#include "base/base.h"

struct err;
struct settings;

/* A rule with `host` guards nothing while any host is answered for. */
int hosts_rules_have_hosts(const struct settings *s, struct err *err) MUST_USE;

#endif
