/* SPDX-License-Identifier: MIT */
/* The file that the connections of one SQLite backend share. */
#ifndef BACKENDS_SQLITE_FILE_H
#define BACKENDS_SQLITE_FILE_H

#include "backends/sqlite/conn.h"

#include <stdatomic.h>

/* Made by sqlite_file_open(). */
struct sqlite_file {
	const struct sqlite_spec *spec;
	char *path; /* our own copy */
	/* Once there, a file that is gone is not made anew: an empty one
	 * would answer "no such session" for a volume that is not mounted. */
	atomic_bool seen;
	sqlite3_vfs vfs;
	char name[32]; /* of the above */
};

/* It is there, or is made, and can be a database. */
int sqlite_file_find(const struct sqlite_file *f, struct err *err) MUST_USE;

#endif
