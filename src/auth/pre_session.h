/* SPDX-License-Identifier: MIT */
/* The pre-session cookie: what a browser has in which nobody is signed in. Its
 * forms are bound to it (login_csrf()), and so are its tickets. */
#ifndef AUTH_PRE_SESSION_H
#define AUTH_PRE_SESSION_H

#include "auth/request_context.h"

/* Returns the value of the cookie; empty when there is no valid one. */
struct str pre_session_value(const struct request_context *ctx);

/* Deletes the cookie if there is one: the user is signed in. */
void pre_session_end(struct request_context *ctx);

#endif
