/* SPDX-License-Identifier: MIT */
/*
 * A password file as Apache's htpasswd writes it, and its AuthGroupFile, from
 * their bytes to a table.  `NAME:HASH` and `GROUP: NAME NAME ...` a line, with
 * blanks or commas between the names; what follows a second colon in the first
 * is ignored, as everywhere; empty lines, lines that begin with '#' and the mark
 * that Windows puts in front of UTF-8 are skipped.
 *
 * Refused as a whole, with file and line, is what has no sense or more than
 * one: no colon, no name, a name twice, a NUL, a line or a file beyond all
 * measure.  What has sense, but cannot be used here, is left out and counted.
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
	struct str roles; /* its groups, with ',' between */
	size_t line;
};

enum htpasswd_note {
	HTPASSWD_NAMES,	  /* user names that we do not allow */
	HTPASSWD_GROUPS,  /* group names that are no role here */
	HTPASSWD_MEMBERS, /* of a group, who are no users */
	HTPASSWD_NOTES
};

#define HTPASSWD_KINDS_MAX 32
#define HTPASSWD_LINES_MAX 10 /* that a message names */

/* Lines of one sort. */
struct htpasswd_lines {
	size_t count, v[HTPASSWD_LINES_MAX]; /* the first ones */
};

/* Hashes of one kind that let nobody in. */
struct htpasswd_refused {
	const char *kind, *why; /* user_hash_kind() */
	struct htpasswd_lines lines;
};

/* Sorted by name, in the order of bytes; const once parsed. */
struct htpasswd {
	struct htpasswd_user *v;
	size_t n;
	bool cut; /* the last line of the users has no end */
	struct htpasswd_lines notes[HTPASSWD_NOTES];
	struct htpasswd_refused *refused; /* by kind and reason */
	size_t nrefused;
};

struct htpasswd_text {
	const char *file; /* for messages */
	struct str bytes;
};

/* The result points into the texts and into `a`.  `groups` may be NULL. */
int htpasswd_parse(const struct htpasswd_text *users,
		   const struct htpasswd_text *groups, struct arena *a,
		   struct htpasswd *out, struct err *err) MUST_USE;

struct log;

/* What was left out, and who cannot sign in: a line a kind (htpasswd_notes.c). */
void htpasswd_log(const struct htpasswd *h, const char *users,
		  const char *groups, const struct log *log);

/* Where `name` is, or would be. */
size_t htpasswd_position(const struct htpasswd *h, struct str name);

/* NULL when there is none. */
const struct htpasswd_user *htpasswd_find(const struct htpasswd *h,
					  struct str name);

/* A state of a file: any change of it changes this. */
struct htpasswd_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/* A file that is not there, or cannot be looked at, is ERR_BUSY. */
int htpasswd_look(const char *path, struct htpasswd_stamp *out,
		  struct err *err) MUST_USE;
bool htpasswd_same(const struct htpasswd_stamp *a,
		   const struct htpasswd_stamp *b);
/* Nobody has written to it for a while.  A time to come is no reason to wait:
 * the clock was set. */
bool htpasswd_has_rested(const struct htpasswd_stamp *s, int64_t now_ms);

#endif
