/* SPDX-License-Identifier: MIT */
/* What the factor store keeps about a user. */
#include "ctl/user.h"

#include "strategy/factors.h"

enum ctl_exit
user_open_factors(struct ctl *c, const char *what)
{
	struct err err;

	if (!ctl_exists(c, CTL_FACTORS))
		return ctl_refuse("[factors] driver = none: %s needs a factor "
				  "store",
				  what);
	if (!ctl_reachable(c, CTL_FACTORS))
		return ctl_refuse("[factors] driver = %s: the records are in "
				  "the memory of the daemon and cannot be "
				  "reached",
				  ctl_driver(c, CTL_FACTORS)->name);
	if (ctl_open(c, CTL_FACTORS, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}
