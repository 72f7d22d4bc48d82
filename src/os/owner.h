/* SPDX-License-Identifier: MIT */
/* Drops the privileges of root before any file of the service is used. */
#ifndef OS_OWNER_H
#define OS_OWNER_H

#include "base/base.h"

struct err;

/*
 * Changes the user of a process that was started as root, permanently, to the
 * owner of the files (each NULL or an absolute name). The owner is that of the
 * file if it exists, else that of its directory, so that the daemon can read
 * what SQLite creates. It is an error when the owner is not unambiguous. The
 * function does nothing when the process is not root, or when root is the
 * owner. If the owner cannot reach the first file otherwise, the process keeps
 * the capability to search directories.
 */
int owner_become(const char *const *files, size_t n, struct err *err) MUST_USE;

/* For a file (an absolute name) that does not exist yet: returns 0 when the
 * process may create it, and others, in its directory. */
int owner_check_folder(const char *file, struct err *err) MUST_USE;

#endif
