/* SPDX-License-Identifier: MIT */
/* Asks the daemon that serves on the sockets of the settings. */
#ifndef CTL_DAEMON_CLIENT_H
#define CTL_DAEMON_CLIENT_H

#include "base/base.h"

struct arena;
struct err;
struct server_settings;

/*
 * Sends a FastCGI request with AUTH_ACTION=`action`, and with the peer secret
 * if there is one, to the first address of server.listen. *body is the body of
 * the answer, in the arena. Fails if the answer has another status than 200,
 * and after a few seconds without one.
 */
int daemon_ask(const struct server_settings *set, const char *action,
	       struct arena *a, struct str *body, struct err *err) MUST_USE;

#endif
