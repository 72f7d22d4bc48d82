/* SPDX-License-Identifier: MIT */
/* The file that the connections of one SQLite backend share. */
#ifndef BACKENDS_SQLITE_FILE_H
#define BACKENDS_SQLITE_FILE_H

#include "backends/sqlite/conn.h"

#include <stdatomic.h>

/* The opened backend; made by sqlite_file_open(). */
struct sqlite_file {
	const struct sqlite_spec *spec;
	const struct env *env;
	char *path; /* our own copy */
	/* True once the file was seen. After that a missing file is not
	 * created again: an empty one would answer "no such session" if the
	 * volume is not mounted. */
	atomic_bool seen;
	/* Counts how often the change feed has found another file in its
	 * place. */
	atomic_uint alarms;
	sqlite3_vfs vfs;
	char name[32]; /* of the VFS */
};

/* Checks that the file exists, or creates it, and that it is a regular file. */
int sqlite_file_find(const struct sqlite_file *f, struct err *err) MUST_USE;

#endif
