/* SPDX-License-Identifier: MIT */
/* --check: could the service start? */
#ifndef SERVER_CHECK_H
#define SERVER_CHECK_H

#include "server/snapshot.h"

/*
 * Looks at store and users of a loaded configuration: are they there, and are
 * their schemas ours?  Nothing is created or migrated: who checks may be
 * another user than who serves.  Both are looked at; every fault becomes a
 * problem.
 */
void check_backends(const struct snapshot *s, const char *file,
		    const struct env *env, struct problems *problems);

#endif
