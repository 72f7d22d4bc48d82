/* SPDX-License-Identifier: MIT */
/* Who somebody is. */
#ifndef STRATEGY_IDENTITY_H
#define STRATEGY_IDENTITY_H

#include "base/str.h"

#define IDENTITY_NAME_MAX 64
#define IDENTITY_TEXT_MAX 256 /* e-mail, full name */
#define IDENTITY_ROLES_MAX 1024

struct identity {
	struct str name;      /* identity_name_is_valid() */
	struct str roles;     /* role names with ',' between; may be empty */
	struct str email;     /* may be empty */
	struct str full_name; /* may be empty; identity_text_is_valid() */
};

/* 1 to 64 of [A-Za-z0-9._@+-]; roles may have ':' too. */
bool identity_name_is_valid(struct str name);
bool identity_role_is_valid(struct str role);

/* str_is_text() of at most IDENTITY_TEXT_MAX bytes. */
bool identity_text_is_valid(struct str text);

struct err;

/* ERR_INPUT that names the field which the headers would not allow. */
int identity_check(const struct identity *who, struct err *err) MUST_USE;

bool identity_has_role(const struct identity *who, struct str role);

bool identity_equal(const struct identity *a, const struct identity *b);

struct arena;

/* Deep copy into the arena. */
int identity_copy(struct arena *a, const struct identity *from,
		  struct identity *to) MUST_USE;

#endif
