/* SPDX-License-Identifier: MIT */
/* What the commands about live state in the store share. */
#ifndef CTL_LIVE_H
#define CTL_LIVE_H

#include "ctl/ctl.h"

/* Opens the store for a command; says why when it cannot. */
enum ctl_exit live_open(struct ctl *c, const char *what);

/* --user checked; empty, p NULL, when it was not given. */
enum ctl_exit live_user(const struct ctl *c, struct str *out);

#endif
