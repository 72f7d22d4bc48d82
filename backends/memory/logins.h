/* SPDX-License-Identifier: MIT */
/* How logins stand and are counted in the memory store.  The caller locks. */
#ifndef BACKENDS_MEMORY_LOGINS_H
#define BACKENDS_MEMORY_LOGINS_H

#include "backends/memory/attempts.h"
#include "backends/memory/networks.h"

/* These implement the operations of the same names. */
struct login_standing
memory_login_standing(const struct memory_attempts *attempts,
		      const struct memory_networks *networks,
		      const struct call *c, const struct login_keys *k);
/* Fills the rest of *out; the caller has set the standing. */
int memory_login_count(struct memory_attempts *t, const struct call *c,
		       const struct login_keys *k, struct login_count *out,
		       struct err *err) MUST_USE;
int memory_login_succeed(struct memory_attempts *attempts,
			 struct memory_networks *networks,
			 const struct login_success *s,
			 struct err *err) MUST_USE;

#endif
