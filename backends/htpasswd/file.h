/* SPDX-License-Identifier: MIT */
/*
 * Parses a password file as Apache's htpasswd writes it, and an AuthGroupFile,
 * into a table. A line is `NAME:HASH` in the former and `GROUP: NAME NAME ...`
 * in the latter, with blanks or commas between the names. Text after a second
 * colon of a user line is ignored, as other programs do. Empty lines, lines
 * that begin with '#' and a byte order mark of UTF-8 are skipped.
 *
 * A file that is invalid or ambiguous is refused as a whole, with file and
 * line: no colon, no name, a name twice, a NUL, or a line or a file that is too
 * long. A line that is valid but cannot be used here is left out and counted.
 */
#ifndef BACKENDS_HTPASSWD_FILE_H
#define BACKENDS_HTPASSWD_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <sys/types.h>
#include <time.h>

#define HTPASSWD_BYTES_MAX ((size_t)16 * 1024 * 1024) /* of one file */

struct htpasswd_user {
	struct str name, hash;
	struct str roles; /* its groups, separated by ',' */
	size_t line;
};

enum htpasswd_note {
	HTPASSWD_NAMES, /* user names that are not allowed */
	HTPASSWD_GROUPS, /* group names that are not valid roles */
	HTPASSWD_MEMBERS, /* members of a group that are not users */
	HTPASSWD_NOTES
};

#define HTPASSWD_KINDS_MAX 32
#define HTPASSWD_LINES_MAX 10 /* line numbers in one message */

/* The lines of one sort. */
struct htpasswd_lines {
	size_t count, v[HTPASSWD_LINES_MAX]; /* the first ones */
};

/* The lines with hashes of one kind that no password can match. */
struct htpasswd_refused {
	const char *kind, *why; /* user_hash_kind() */
	struct htpasswd_lines lines;
};

/* The table, sorted by the bytes of the names; const once parsed. */
struct htpasswd {
	struct htpasswd_user *v;
	size_t n;
	bool cut; /* the last line of the users does not end with a newline */
	struct htpasswd_lines notes[HTPASSWD_NOTES];
	struct htpasswd_refused *refused; /* by kind and reason */
	size_t nrefused;
};

struct htpasswd_text {
	const char *file; /* for messages */
	struct str bytes;
};

/* Parses the files. The result points into the texts and into `a`. `groups`
 * may be NULL. */
int htpasswd_parse(const struct htpasswd_text *users,
		   const struct htpasswd_text *groups, struct arena *a,
		   struct htpasswd *out, struct err *err) MUST_USE;

struct log;

/* Logs what was left out and which users cannot sign in, one log line for each
 * kind (notes.c). */
void htpasswd_log(const struct htpasswd *h, const char *users,
		  const char *groups, const struct log *log);

/* Returns the index of `name`, or the index where it would be inserted. */
size_t htpasswd_position(const struct htpasswd *h, struct str name);

/* Returns the user of that name; NULL if there is none. */
const struct htpasswd_user *htpasswd_find(const struct htpasswd *h,
					  struct str name);

/* Identifies a state of a file: any change of the file changes it. */
struct htpasswd_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/* Reads the stamp of a file; ERR_BUSY if the file is missing or cannot be
 * examined. */
int htpasswd_stat(const char *path, struct htpasswd_stamp *out,
		  struct err *err) MUST_USE;
bool htpasswd_same(const struct htpasswd_stamp *a,
		   const struct htpasswd_stamp *b);
/* Returns whether the file was not written to in the last second. A time in
 * the future counts as rested, because the clock was set back. */
bool htpasswd_has_rested(const struct htpasswd_stamp *s, int64_t now_ms);

#endif
