/* SPDX-License-Identifier: MIT */
/* --check: checks whether the service could start with a configuration. */
#ifndef SERVER_CHECK_H
#define SERVER_CHECK_H

#include "server/snapshot.h"

/* If the program was started as root, becomes the owner of the files that the
 * service reads and creates (os/owner.h), so that it is refused the same access
 * as the service. */
int check_become_owner(const struct settings *set, struct err *err) MUST_USE;

/*
 * Probes the store, the user source and the factor store of a loaded
 * configuration: whether they can be reached, and whether their schemas are the
 * ones of this program. Nothing is created or migrated. All are probed, and
 * every fault becomes a problem.
 */
void check_backends(const struct snapshot *s, const char *file,
		    const struct env *env, struct problems *problems);

#endif
