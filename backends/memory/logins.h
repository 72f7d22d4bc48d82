/* SPDX-License-Identifier: MIT */
/* The operations standing, count and succeed of the memory store. The caller
 * must hold the lock of the store. */
#ifndef BACKENDS_MEMORY_LOGINS_H
#define BACKENDS_MEMORY_LOGINS_H

#include "backends/memory/attempts.h"
#include "backends/memory/networks.h"

/* Each implements the operation that its name ends with. */
struct login_standing
memory_login_standing(const struct memory_attempts *attempts,
		      const struct memory_networks *networks,
		      const struct call *c, const struct login_keys *k);
/* Sets the rest of *out. The caller must have set out->standing. */
int memory_login_count(struct memory_attempts *t, const struct call *c,
		       const struct login_keys *k, struct login_count *out,
		       struct err *err) MUST_USE;
int memory_login_succeed(struct memory_attempts *attempts,
			 struct memory_networks *networks,
			 const struct login_success *s,
			 struct err *err) MUST_USE;

#endif
