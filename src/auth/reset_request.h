/* SPDX-License-Identifier: MIT */
/*
 * The page on which people who have forgotten the password ask for a link by
 * mail ([account] reset = mail).
 *
 * The answer, its time and the operations of the stores are the same whatever
 * was typed: the request is only put into the outbox, as a record for the
 * service itself, and the background thread that sends the mail finds out
 * whether there is such a user (auth/reset_mail.h).
 */
#ifndef AUTH_RESET_REQUEST_H
#define AUTH_RESET_REQUEST_H

#include "auth/request_context.h"

/* Below server.path. */
#define RESET_PATH "/reset"

void reset_request_get(struct request_context *ctx);
void reset_request_post(struct request_context *ctx);

#endif
