/* SPDX-License-Identifier: MIT */
/* The section [session], of which the other modes read max_per_user. */
#ifndef MODES_SESSION_SETTINGS_H
#define MODES_SESSION_SETTINGS_H

#include <stdint.h>

struct session_conf {
	int64_t idle_timeout, absolute_timeout;
	int64_t remember;
	int64_t max_per_user; /* 0: no limit */
};

#endif
