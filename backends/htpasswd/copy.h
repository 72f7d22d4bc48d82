/* SPDX-License-Identifier: MIT */
/* Copies users out of a table, for the answers of the user source. */
#ifndef BACKENDS_HTPASSWD_COPY_H
#define BACKENDS_HTPASSWD_COPY_H

#include "strategy/user_source.h"
#include "backends/htpasswd/file.h"

int htpasswd_copy_user(const struct htpasswd_user *from, struct arena *a,
		       struct user *out, struct err *err) MUST_USE;

/* Copies the user of exactly this name and up to two whose names differ in
 * case. A sign-in verifies a hash, which takes much longer than to read all
 * names. */
int htpasswd_copy_typed(const struct htpasswd *h, struct arena *a,
			struct str text, struct user_list *out,
			struct err *err) MUST_USE;

/* Copies at most `limit` users that follow the name `after`. */
int htpasswd_copy_list(const struct htpasswd *h, struct arena *a,
		       struct str after, size_t limit, struct user_list *out,
		       struct err *err) MUST_USE;

#endif
