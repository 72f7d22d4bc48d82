/* SPDX-License-Identifier: MIT */
/* Reads a new password: never from an argument. */
#ifndef CTL_PROMPT_H
#define CTL_PROMPT_H

#include "crypto/password.h"
#include "crypto/password_policy.h"
#include "ctl/ctl.h"

/*
 * Takes a password for the user `who` from the terminal, typed twice without
 * echo, or with --password-stdin from the first line of stdin; checks it
 * against the policy and hashes it. Prints a message when it fails. A signal
 * that ends the program leaves the terminal as it was.
 */
enum ctl_exit prompt_new_password(struct ctl *c, const struct identity *who,
				  char hash[PASSWORD_HASH_MAX]);

#endif
