/* SPDX-License-Identifier: MIT */
/*
 * Reads users from a file of one of three formats: lines of htpasswd, CSV with
 * a header, or a JSON object in each line. The first line that is not empty and
 * no comment tells the format: it begins with a brace, has a colon (htpasswd),
 * or is the header of CSV.
 */
#ifndef CTL_USER_RECORD_H
#define CTL_USER_RECORD_H

#include "base/base.h"
#include "base/str.h"

#include <stdio.h>

struct arena;
struct err;

#define USER_RECORD_LINE_MAX 16384

enum user_field {
	USER_FIELD_NAME,
	USER_FIELD_HASH,
	USER_FIELD_PASSWORD, /* in clear text */
	USER_FIELD_EMAIL,
	USER_FIELD_FULL_NAME,
	USER_FIELD_ROLES,
	USER_FIELD_DISABLED,
	USER_FIELDS
};

struct user_record {
	size_t line; /* 0: there are no more records */
	bool given[USER_FIELDS];
	struct str text[USER_FIELDS]; /* roles: with ',' between */
	bool disabled;
};

enum user_format { USER_FORMAT_UNKNOWN, USER_HTPASSWD, USER_CSV, USER_JSON };

/* Callers set `in`, and read `line`, the number of the line read last. All
 * other fields are zero at the beginning. */
struct user_reader {
	FILE *in;
	size_t line;
	enum user_format format;
	enum user_field columns[USER_FIELDS]; /* of CSV */
	size_t ncolumns;
	char text[USER_RECORD_LINE_MAX];
};

/*
 * Reads the next record into the arena. It has a valid name and valid fields,
 * at most one of a password and a hash, and a hash that a password can match.
 * ERR_INPUT is about one line, and the next call goes on behind it; after any
 * other error the file cannot be read. A message contains nothing of the line
 * but names of columns and members, because the line may have passwords.
 */
int user_record_next(struct user_reader *r, struct arena *a,
		     struct user_record *out, struct err *err) MUST_USE;

#endif
