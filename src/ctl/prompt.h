/* SPDX-License-Identifier: MIT */
/* How a new password comes in: never by an argument. */
#ifndef CTL_PROMPT_H
#define CTL_PROMPT_H

#include "crypto/password.h"
#include "ctl/ctl.h"

/*
 * Takes a password for `user` from the terminal, typed twice without echo, or
 * with --password-stdin the first line of stdin; checks it against the policy
 * and hashes it.  Says what is wrong itself.  A signal that ends the program
 * leaves the terminal as it was.
 */
enum ctl_exit prompt_new_password(struct ctl *c, struct str user,
				  char hash[PASSWORD_HASH_MAX]);

#endif
