/* SPDX-License-Identifier: MIT */
/* --check: could the service start? */
#ifndef SERVER_CHECK_H
#define SERVER_CHECK_H

#include "server/snapshot.h"

/* Started as root: becomes the owner of the files that the service reads and
 * makes (os/owner.h), so that it is refused what the service is. */
int check_become_owner(const struct settings *set, struct err *err) MUST_USE;

/*
 * Looks at store and users of a loaded configuration: are they there, and are
 * their schemas ours?  Nothing is created or migrated.  Both are looked at;
 * every fault becomes a problem.
 */
void check_backends(const struct snapshot *s, const char *file,
		    const struct env *env, struct problems *problems);

#endif
