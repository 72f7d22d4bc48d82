/* SPDX-License-Identifier: MIT */
/*
 * The file that the connections of one SQLite backend share.
 *
 * Another file may take its place: it is renamed, or a symbolic link on the way
 * to it is. SQLite goes on with the file that it has opened, so each connection
 * compares that file with the one to which the configured path leads. The first
 * that finds another one raises a number, `alarms`, and so does a change feed
 * when it begins: no connection from before is used any more, and no feed.
 */
#ifndef BACKENDS_SQLITE_FILE_H
#define BACKENDS_SQLITE_FILE_H

#include "backends/sqlite/conn.h"

#include <stdatomic.h>
#include <sys/types.h>

/* The opened backend; made by sqlite_file_open(). */
struct sqlite_file {
	const struct sqlite_spec *spec;
	const struct env *env;
	char *path; /* our own copy */
	unsigned caps; /* capabilities that depend on the configuration */
	/* True once the file was seen. After that a missing file is not
	 * created again: an empty one would answer "no such session" if the
	 * volume is not mounted. */
	atomic_bool seen;
	atomic_uint alarms; /* see above */
	sqlite3_vfs vfs;
	char name[32]; /* of the VFS */
};

/* A file, whatever its name. */
struct sqlite_file_id {
	dev_t dev;
	ino_t ino;
};

/* Finds the file to which a name leads. */
int sqlite_file_identify(const char *name, struct sqlite_file_id *out,
			 struct err *err) MUST_USE;
/* Returns 0 if the name leads to this file. */
int sqlite_file_compare(const char *name, const struct sqlite_file_id *id,
			struct err *err) MUST_USE;

/* What a connection knows of the file that it has open. */
struct sqlite_place {
	struct sqlite_file *file;
	struct sqlite_file_id id;
	unsigned alarms; /* of the file, from before it was opened */
	int64_t checked_ms; /* when the path led to it; monotonic clock */
};

/* To be called before a connection is opened. */
void sqlite_place_begin(struct sqlite_place *p, struct sqlite_file *file);
/* Finds which file the connection has open. */
int sqlite_place_find(struct sqlite_place *p, sqlite3 *db,
		      struct err *err) MUST_USE;

/* Returns 0 if the path leads to the file of the connection. */
int sqlite_place_check(struct sqlite_place *p, struct err *err) MUST_USE;
/* Returns whether there was neither an alarm since the connection was opened,
 * nor a second since its last check. */
bool sqlite_place_is_fresh(const struct sqlite_place *p);
bool sqlite_place_is_alarmed(const struct sqlite_place *p);
/* Raises the alarm. Returns false if there was another one since the connection
 * was opened, which is enough for all others. */
bool sqlite_place_alarm(struct sqlite_place *p);

/* Checks that the file exists, or creates it, and that it is a regular file. */
int sqlite_file_find(const struct sqlite_file *f, struct err *err) MUST_USE;

#endif
