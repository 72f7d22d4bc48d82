/* SPDX-License-Identifier: MIT */
/* Root gives up being root before it touches a file of the service. */
#ifndef OS_OWNER_H
#define OS_OWNER_H

#include "base/base.h"

struct err;

/*
 * Started as root, becomes for good the owner of the files (each NULL or an
 * absolute name): of the file when it is there, else of its folder, so that
 * what SQLite creates can be read by the daemon.  Refused when it is not clear
 * who the owner is.  Not root, or root is the owner: does nothing.  Of root's
 * rights the one to search folders is left, when the owner could not reach the
 * first of the files otherwise.
 */
int owner_become(const char *const *files, size_t n, struct err *err)
    MUST_USE;

/* A file that is not there yet: does its folder (of an absolute name) let us
 * make it, and others? */
int owner_check_folder(const char *file, struct err *err) MUST_USE;

#endif
