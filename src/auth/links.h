/* SPDX-License-Identifier: MIT */
/* The applications that the account page offers ([link NAME]). */
#ifndef AUTH_LINKS_H
#define AUTH_LINKS_H

#include "auth/request_context.h"

struct arena;
struct problems;

/* Checks the requirements and the paths of the links. Each mistake is added to
 * `problems` with its line; then the result is -1. */
int links_check(const struct settings *set, struct arena *a,
		struct problems *problems) MUST_USE;

/* The links that one user sees, in the order of the file. */
struct links_shown {
	const struct link_settings **v;
	size_t n;
};

/*
 * Finds the links that this user sees: those whose requirement the user meets
 * and which, if they lead to a host of this service, the rules allow the user
 * to open with GET from this address.
 */
int links_find(struct request_context *ctx, const struct identity *who,
	       struct links_shown *out, struct err *err) MUST_USE;

/* Returns the name that a link is shown with. */
struct str links_title(const struct link_settings *link);

/* Returns the host that an absolute link leads to; empty for a path. */
struct str links_host(const struct link_settings *link);

#endif
