/* SPDX-License-Identifier: MIT */
/*
 * Calls of the endpoints by scripts of other origins (Fetch standard, CORS).
 * Only origins listed in cors.origins get any header of it, with credentials;
 * browsers keep the answer from all others.
 */
#ifndef AUTH_CORS_H
#define AUTH_CORS_H

#include "auth/exchange.h"

/* What browsers ask before they send what a form could not, by a script of a
 * listed origin. */
bool cors_is_preflight(const struct exchange *e);

/* 204; `methods` as in Allow. */
void cors_answer_preflight(struct exchange *e, struct str methods);

/* At the end, to any answer of an endpoint, errors too. */
void cors_add_headers(struct exchange *e);

#endif
