/* SPDX-License-Identifier: MIT */
/* Parses request bodies as named fields. */
#include "http/form.h"

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/str.h"

/* Adds a field, and checks the conditions that do not depend on the encoding of
 * the body. */
static int
add_field(struct form *f, struct str name, struct str value, struct err *err)
{
	if (f->n == FORM_MAX_FIELDS)
		return err_set(err, ERR_INPUT, "more than %d fields",
			       FORM_MAX_FIELDS);
	if (str_find(name, '\0') < name.n || str_find(value, '\0') < value.n ||
	    !str_is_utf8(name) || !str_is_utf8(value))
		return err_set(err, ERR_INPUT,
			       "field is not valid UTF-8, or has a NUL");
	for (size_t i = 0; i < f->n; i++) {
		if (str_eq(f->field[i].name, name))
			return err_set(err, ERR_INPUT, "duplicate field");
	}
	f->field[f->n++] = (struct form_field){ .name = name, .value = value };
	return 0;
}

static int
form_decode(struct str s, struct arena *a, struct str *out, struct err *err)
{
	struct buf b;

	buf_init(&b, a, s.n);
	if (!percent_decode(&b, s, true))
		return err_set(err, ERR_INPUT, "field has a bad escape");
	if (buf_failed(&b))
		return err_nomem(err);
	*out = buf_str(&b);
	return 0;
}

int
form_parse_urlencoded(struct str s, struct arena *a, struct form *out,
		      struct err *err)
{
	struct form f = { .n = 0 };
	struct str rest = s, piece;

	while (str_cut(&rest, '&', &piece)) {
		struct str raw = { .p = piece.p, .n = str_find(piece, '=') };
		struct str name, value;

		if (piece.n == 0)
			continue; /* the URL standard skips empty pairs */
		if (form_decode(raw, a, &name, err) != 0 ||
		    form_decode(str_skip(piece, raw.n + 1), a, &value, err) !=
			0 ||
		    add_field(&f, name, value, err) != 0)
			return -1;
	}
	*out = f;
	return 0;
}

static int
add_member(struct form *f, const char *key, const json_t *json, struct arena *a,
	   struct err *err)
{
	struct str text = STR("1"), name, value;

	if (json_is_false(json))
		return 0;
	if (json_is_string(json))
		text = (struct str){ .p = json_string_value(json),
				     .n = json_string_length(json) };
	else if (!json_is_true(json))
		return err_set(err, ERR_INPUT,
			       "member is not a string, true or false");
	if (arena_copy(a, str_from(key), &name) != 0 ||
	    arena_copy(a, text, &value) != 0)
		return err_nomem(err);
	return add_field(f, name, value, err);
}

static int
add_members(struct form *f, json_t *object, struct arena *a, struct err *err)
{
	void *at = json_object_iter(object);

	if (!json_is_object(object))
		return err_set(err, ERR_INPUT, "body is not a JSON object");
	while (at != NULL) {
		if (add_member(f, json_object_iter_key(at),
			       json_object_iter_value(at), a, err) != 0)
			return -1;
		at = json_object_iter_next(object, at);
	}
	return 0;
}

static int
parse_json(struct str body, struct arena *a, struct form *out, struct err *err)
{
	struct form f = { .n = 0 };
	json_error_t wrong = { .line = -1 };
	json_t *json =
	    json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &wrong);
	int result;

	/* jansson reports syntax errors, but not a lack of memory. */
	if (json == NULL && json_error_code(&wrong) == json_error_unknown)
		return err_nomem(err);
	if (json == NULL)
		return err_set(err, ERR_INPUT, "body is not valid JSON");
	result = add_members(&f, json, a, err);
	json_decref(json);
	if (result == 0)
		*out = f;
	return result;
}

int
form_parse(const struct http_request *r, struct arena *a, struct form *out,
	   struct err *err)
{
	if (r->body_too_large)
		return err_set(err, ERR_LIMIT, "body is too large");
	if (r->body.n == 0) {
		*out = (struct form){ .n = 0 };
		return 0;
	}
	switch (r->media) {
	case MEDIA_FORM:
		return form_parse_urlencoded(r->body, a, out, err);
	case MEDIA_JSON:
		return parse_json(r->body, a, out, err);
	case MEDIA_NONE:
	case MEDIA_OTHER:
		break;
	}
	return err_set(err, ERR_INPUT, "body has an unsupported type");
}

struct str
form_get(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (str_eq(f->field[i].name, str_from(name)))
			return f->field[i].value;
	}
	return (struct str){ .p = NULL };
}
