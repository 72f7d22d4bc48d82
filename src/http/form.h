/* SPDX-License-Identifier: MIT */
/*
 * Request bodies as named fields: application/x-www-form-urlencoded, or a JSON
 * object whose members are strings or booleans (true becomes "1", false is
 * absent). A duplicate field, invalid encoding, NUL, or bytes that are not
 * UTF-8 make the whole body ERR_INPUT.
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "http/request.h"

#define FORM_MAX_FIELDS 32

struct form_field {
	struct str name, value;
};

struct form {
	struct form_field field[FORM_MAX_FIELDS];
	size_t n;
};

/* Parses the body by r->media. An empty body is an empty form, whatever its
 * type. ERR_LIMIT when the body was larger than allowed. */
int form_parse(const struct http_request *r, struct arena *a, struct form *out,
	       struct err *err) MUST_USE;

/* Parses urlencoded text only; also used for query strings. */
int form_parse_urlencoded(struct str s, struct arena *a, struct form *out,
			  struct err *err) MUST_USE;

/* Returns the value of a field; p is NULL when it is absent. */
struct str form_get(const struct form *f, const char *name);

#endif
