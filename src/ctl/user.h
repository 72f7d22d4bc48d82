/* SPDX-License-Identifier: MIT */
/* What the two halves of `fcgiauthctl user` share. */
#ifndef CTL_USER_H
#define CTL_USER_H

#include "ctl/ctl.h"

/* Opens the users for a command that needs these abilities (bits of enum
 * users_caps; 0: only to find users); prints a message when it fails. */
enum ctl_exit user_open(struct ctl *c, unsigned needs);

/* Finds the user named by the operand; prints a message when there is none. */
enum ctl_exit user_find(struct ctl *c, struct user *out);

#endif
