/* SPDX-License-Identifier: MIT */
/*
 * Repeats a form that was posted after the access token had expired (mode
 * refresh). The browser sends the refresh cookie only to paths below that of
 * the service, so the challenge redirects the browser there with status 307,
 * which resends the form; there the token is refreshed, and another 307 sends
 * the form back. The body of the form is never read. If this is not possible,
 * a page explains how to send the form again by hand.
 */
#ifndef AUTH_REPEAT_H
#define AUTH_REPEAT_H

#include "auth/request_context.h"

/* The path below server.path. Web servers that would read the body first ask
 * for this path as for an authorizer, and pass on the denial; every answer is
 * one. */
#define REPEAT_PATH "/repeat"

/* Answers a form of a person that came without a valid credential. */
void repeat_challenge(struct request_context *ctx);

/* Answers POST /repeat?rd=PATH. */
void repeat_post(struct request_context *ctx);

#endif
