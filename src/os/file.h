/* SPDX-License-Identifier: MIT */
/* Reads a small regular file whole. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/base.h"

struct arena;
struct err;

/*
 * All of `path`, into the arena; a file of more than `max` bytes, a folder or
 * another thing that is not a regular file is ERR_CONFIG.  The message does
 * not name the file.  *world_readable (may be NULL): everybody on this machine
 * may read it.
 */
int file_read(const char *path, size_t max, struct arena *a, struct str *out,
	      bool *world_readable, struct err *err) MUST_USE;

#define FILE_SECRET_MAX (64 * 1024)

/*
 * The text in a file that holds one secret (absolute `path`), without the one
 * newline that editors put at its end.  An empty file is ERR_CONFIG: it would
 * turn off what the secret is for.
 */
int file_read_secret(struct str path, struct arena *a, struct str *out,
		     struct err *err) MUST_USE;

#endif
