/* SPDX-License-Identifier: MIT */
/* Reads small regular files. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/base.h"

struct arena;
struct err;

/*
 * Reads the whole file `path` into the arena. A file of more than `max` bytes,
 * a directory and anything else that is not a regular file is ERR_CONFIG. The
 * message does not name the file. *world_readable is set to whether all users
 * of the machine may read the file; it may be NULL.
 */
int file_read(const char *path, size_t max, struct arena *a, struct str *out,
	      bool *world_readable, struct err *err) MUST_USE;

#define FILE_SECRET_MAX (64 * 1024)

/*
 * Reads a file that holds one secret (absolute `path`), without the one newline
 * that editors put at its end. An empty file is ERR_CONFIG: it would turn off
 * what the secret protects.
 */
int file_read_secret(struct str path, struct arena *a, struct str *out,
		     struct err *err) MUST_USE;

#endif
