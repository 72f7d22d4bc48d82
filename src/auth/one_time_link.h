/* SPDX-License-Identifier: MIT */
/*
 * Links that work once: one sets a new password, the other makes a user. GET
 * shows a form and uses nothing up, because mail scanners open links; POST
 * does. A link stays valid until its password was accepted.
 */
#ifndef AUTH_ONE_TIME_LINK_H
#define AUTH_ONE_TIME_LINK_H

#include "auth/request_context.h"

/* Below server.path; the secret of the link follows. */
#define LINK_PATH "/link/"

void one_time_link_get(struct request_context *ctx);
void one_time_link_post(struct request_context *ctx);

#endif
