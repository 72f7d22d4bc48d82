/* SPDX-License-Identifier: MIT */
/* Sets, prints and compares fields by the table row of their option. */
#include "conf/option.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/option_value.h"

static size_t
field_size(const struct option *o)
{
	switch (o->type) {
	case OPT_BOOL:
		return sizeof(bool);
	case OPT_INT:
	case OPT_SECONDS:
	case OPT_MS:
	case OPT_BYTES:
	case OPT_MODE:
		return sizeof(int64_t);
	case OPT_STR:
	case OPT_SECRET:
		return sizeof(struct str);
	case OPT_PATH:
		return sizeof(const char *);
	case OPT_WORDS:
		return sizeof(struct words);
	case OPT_ENUM:
		return sizeof(int);
	}
	return 0;
}

static union value
option_load(const struct option *o, const void *base)
{
	union value v;

	memset(&v, 0, sizeof(v));
	memcpy(&v, (const char *)base + o->offset, field_size(o));
	return v;
}

static void
print_units(struct buf *out, int64_t value, const struct value_unit *u)
{
	for (; u->factor != 0 && value != 0; u++) {
		if (value % u->factor == 0) {
			buf_printf(out, "%" PRId64 "%s", value / u->factor,
				   u->name);
			return;
		}
	}
	buf_printf(out, "%" PRId64, value);
}

/* Prints a number in the unit of the option, as in `15m`. */
static void
print_number(const struct option *o, int64_t value, struct buf *out)
{
	if (o->type == OPT_SECONDS)
		print_units(out, value, value_seconds);
	else if (o->type == OPT_MS)
		print_units(out, value, value_ms);
	else if (o->type == OPT_BYTES)
		print_units(out, value, value_bytes);
	else if (o->type == OPT_MODE)
		buf_printf(out, "%04" PRIo64, (uint64_t)value);
	else if (o->type == OPT_INT && o->words != NULL && value == 0)
		buf_add_cstr(out, o->words[0]);
	else
		buf_printf(out, "%" PRId64, value);
}

void
option_print_range(const struct option *o, struct buf *out)
{
	if (!value_has_range(o))
		return;
	print_number(o, o->min, out);
	buf_add_cstr(out, " to ");
	print_number(o, o->max, out);
}

bool
option_is_empty(const struct option *o, const void *base)
{
	const union value v = option_load(o, base);

	return value_is_empty(o, &v);
}

int
option_set(const struct option *o, void *base, struct str text, struct arena *a,
	   struct err *err)
{
	union value v;

	memset(&v, 0, sizeof(v));
	if (value_parse(o, text, a, &v, err) != 0)
		return -1;
	if (value_is_empty(o, &v)) {
		if ((o->flags & OPTION_REQUIRED) != 0)
			return err_set(err, ERR_CONFIG, "may not be empty");
		if ((o->flags & OPTION_NOT_EMPTY) != 0)
			return err_set(err, ERR_CONFIG,
				       "may not be empty; leave the key out");
	} else if (o->check != NULL && o->check(&v, err) != 0)
		return -1;
	memcpy((char *)base + o->offset, &v, field_size(o));
	return 0;
}

int
option_defaults(const struct option *table, void *base, struct arena *a,
		struct err *err)
{
	for (const struct option *o = table; o->name != NULL; o++) {
		if (o->def == NULL) {
			memset((char *)base + o->offset, 0, field_size(o));
			continue;
		}
		if (option_set(o, base, str_from(o->def), a, err) != 0)
			return err_context(err, "default of %s", o->name);
	}
	return 0;
}

/* Returns true for a value that the parser would not read back as it is: it
 * would find a comment or quotes in it. */
static bool
needs_quotes(struct str s)
{
	return str_find(s, '"') < s.n || str_find(s, ';') < s.n ||
	       str_find(s, '#') < s.n || str_trim(s).n < s.n;
}

static void
print_quoted(struct str s, struct buf *out)
{
	if (!needs_quotes(s)) {
		buf_add(out, s);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

static void
print_words(struct words words, struct buf *out)
{
	struct buf line;

	buf_init(&line, out->arena, out->max);
	for (size_t i = 0; i < words.n; i++) {
		buf_add_cstr(&line, i > 0 ? " " : "");
		buf_add(&line, words.v[i]);
	}
	print_quoted(buf_str(&line), out);
	out->failed = out->failed || buf_failed(&line);
}

void
option_print(const struct option *o, const void *base, struct buf *out)
{
	const union value v = option_load(o, base);

	switch (o->type) {
	case OPT_BOOL:
		buf_add_cstr(out, v.yes ? "yes" : "no");
		break;
	case OPT_INT:
	case OPT_SECONDS:
	case OPT_MS:
	case OPT_BYTES:
	case OPT_MODE:
		print_number(o, v.number, out);
		break;
	case OPT_STR:
		print_quoted(v.text, out);
		break;
	case OPT_SECRET:
		buf_add_cstr(out, v.text.n > 0 ? "***" : "");
		break;
	case OPT_PATH:
		print_quoted(str_from(v.path), out);
		break;
	case OPT_WORDS:
		print_words(v.words, out);
		break;
	case OPT_ENUM:
		buf_add_cstr(out, o->words[v.index]);
		break;
	}
}

const struct option *
option_find(const struct option *table, struct str key)
{
	for (const struct option *o = table; o->name != NULL; o++) {
		if (str_eq(key, str_from(o->name)))
			return o;
	}
	return NULL;
}

void
option_copy(const struct option *table, void *base,
	    const struct option *from_table, const void *from)
{
	for (const struct option *o = table; o->name != NULL; o++) {
		const struct option *same =
		    option_find(from_table, str_from(o->name));

		if (same != NULL && same->type == o->type)
			memcpy((char *)base + o->offset,
			       (const char *)from + same->offset,
			       field_size(o));
	}
}

bool
words_have(const struct words *words, struct str word)
{
	for (size_t i = 0; i < words->n; i++) {
		if (str_eq(words->v[i], word))
			return true;
	}
	return false;
}

static bool
words_equal(struct words a, struct words b)
{
	bool equal = a.n == b.n;

	for (size_t i = 0; equal && i < a.n; i++)
		equal = str_eq(a.v[i], b.v[i]);
	return equal;
}

bool
option_equal_one(const struct option *o, const void *a, const void *b)
{
	const union value x = option_load(o, a), y = option_load(o, b);

	switch (o->type) {
	case OPT_BOOL:
		return x.yes == y.yes;
	case OPT_INT:
	case OPT_SECONDS:
	case OPT_MS:
	case OPT_BYTES:
	case OPT_MODE:
		return x.number == y.number;
	case OPT_STR:
	case OPT_SECRET:
		return str_eq(x.text, y.text);
	case OPT_PATH:
		return str_eq(str_from(x.path), str_from(y.path));
	case OPT_WORDS:
		return words_equal(x.words, y.words);
	case OPT_ENUM:
		return x.index == y.index;
	}
	return false;
}

bool
option_equal(const struct option *table, const void *a, const void *b)
{
	for (const struct option *o = table; o->name != NULL; o++) {
		if (!option_equal_one(o, a, b))
			return false;
	}
	return true;
}
