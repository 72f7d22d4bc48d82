/* SPDX-License-Identifier: MIT */
/* The user of a request for which somebody must be signed in. */
#ifndef AUTH_SIGNED_IN_H
#define AUTH_SIGNED_IN_H

#include "auth/request_context.h"
#include "http/form.h"

/* Finds the user. Returns false if nobody is signed in, or if that cannot be
 * determined; then the answer is complete. */
bool signed_in_find(struct request_context *ctx,
		    struct principal *out) MUST_USE;

/* Reads the body, and checks that a form comes from a page of this session.
 * Returns false if it is refused; then the answer is complete. */
bool signed_in_form(struct request_context *ctx, const struct principal *who,
		    struct form *out) MUST_USE;

#endif
