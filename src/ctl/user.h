/* SPDX-License-Identifier: MIT */
/* What the two halves of `fcgiauthctl user` share. */
#ifndef CTL_USER_H
#define CTL_USER_H

#include "ctl/ctl.h"

/* Opens the users for a command that needs them to be able to do this (bits of
 * enum users_caps; 0: to find); says why when it cannot. */
enum ctl_exit user_open(struct ctl *c, unsigned needs);

/* The user named by the operand; says so when there is none. */
enum ctl_exit user_find(struct ctl *c, struct user *out);

#endif
