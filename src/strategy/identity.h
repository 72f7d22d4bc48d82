/* SPDX-License-Identifier: MIT */
/* The identity of a user: name, roles, e-mail address and full name. */
#ifndef STRATEGY_IDENTITY_H
#define STRATEGY_IDENTITY_H

#include "base/str.h"

#define IDENTITY_NAME_MAX  64
#define IDENTITY_TEXT_MAX  256 /* e-mail, full name */
#define IDENTITY_ROLES_MAX 1024

struct identity {
	struct str name; /* identity_name_is_valid() */
	struct str roles; /* role names with ',' between; may be empty */
	struct str email; /* may be empty */
	struct str full_name; /* may be empty; identity_text_is_valid() */
};

/* Return whether the text is 1 to 64 characters of [A-Za-z0-9._@+-]; a role may
 * contain ':' as well. */
bool identity_name_is_valid(struct str name);
bool identity_role_is_valid(struct str role);

/* Returns whether the text is str_is_text() and has at most IDENTITY_TEXT_MAX
 * bytes. */
bool identity_text_is_valid(struct str text);

struct err;

/* Checks all fields, because they are sent in headers. The error is ERR_INPUT
 * and names the invalid field. */
int identity_check(const struct identity *who, struct err *err) MUST_USE;

bool identity_has_role(const struct identity *who, struct str role);

bool identity_equal(const struct identity *a, const struct identity *b);

struct arena;

/* Makes a deep copy in the arena; -1: out of memory. */
int identity_copy(struct arena *a, const struct identity *from,
		  struct identity *to) MUST_USE;

#endif
