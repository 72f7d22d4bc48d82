/* SPDX-License-Identifier: MIT */
/*
 * Calls of the endpoints by scripts of other origins (Fetch standard, CORS).
 * Only requests from an origin listed in cors.origins get CORS headers, with
 * credentials allowed; browsers hide the answers from the scripts of all other
 * origins.
 */
#ifndef AUTH_CORS_H
#define AUTH_CORS_H

#include "auth/request_context.h"

/* Returns true for a preflight request from a listed origin: browsers send it
 * before a request that a form cannot make. */
bool cors_is_preflight(const struct request_context *ctx);

/* Answers 204; `methods` is a list as in the header Allow. */
void cors_answer_preflight(struct request_context *ctx, struct str methods);

/* Adds the CORS headers; called last, for every answer of an endpoint, errors
 * included. */
void cors_add_headers(struct request_context *ctx);

#endif
