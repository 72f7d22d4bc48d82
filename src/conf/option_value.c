/* SPDX-License-Identifier: MIT */
/* Parses values by the type of an option. */
#include "conf/option_value.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define PATH_MAX_BYTES 4095

const struct value_unit value_seconds[] = {
	{ "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { NULL, 0 }
};
const struct value_unit value_ms[] = { { "s", 1000 },
				       { "ms", 1 },
				       { NULL, 0 } };
const struct value_unit value_bytes[] = { { "m", 1024 * 1024 },
					  { "k", 1024 },
					  { NULL, 0 } };

static const struct {
	const char *word;
	bool value;
} bool_words[] = {
	{ "yes", true }, { "no", false },  { "true", true }, { "false", false },
	{ "on", true },	 { "off", false }, { "1", true },    { "0", false },
};

bool
value_has_range(const struct option *o)
{
	return o->min != 0 || o->max != 0;
}

static int
range_error(const struct option *o, struct arena *a, struct err *err)
{
	struct buf range;

	buf_init(&range, a, 128);
	option_print_range(o, &range);
	if (buf_failed(&range))
		return err_nomem(err);
	return err_set(err, ERR_CONFIG, "must be %.*s%s%s",
		       STR_ARG(buf_str(&range)), o->words != NULL ? " or " : "",
		       o->words != NULL ? o->words[0] : "");
}

static int
parse_number(const struct option *o, int64_t number, struct arena *a,
	     union value *v, struct err *err)
{
	if (value_has_range(o) && (number < o->min || number > o->max))
		return range_error(o, a, err);
	v->number = number;
	return 0;
}

static int
parse_int(const struct option *o, struct str text, struct arena *a,
	  union value *v, struct err *err)
{
	int64_t number;

	if (o->words != NULL && str_eq(text, str_from(o->words[0]))) {
		v->number = 0;
		return 0;
	}
	if (!str_to_uint(text, INT64_MAX, &number)) {
		return err_set(err, ERR_CONFIG, "must be a number%s%s",
			       o->words != NULL ? " or " : "",
			       o->words != NULL ? o->words[0] : "");
	}
	return parse_number(o, number, a, v, err);
}

/* Reads a number with one of the units; returns false if it is neither that
 * nor 0. */
static bool
read_units(struct str text, const struct value_unit *u, int64_t *out)
{
	int64_t number;

	*out = 0;
	for (; u->factor != 0; u++) {
		const struct str unit = str_from(u->name);
		struct str digits = text;

		if (!str_ends(text, unit))
			continue;
		digits.n -= unit.n;
		if (str_to_uint(digits, INT64_MAX / u->factor, &number)) {
			*out = number * u->factor;
			return true;
		}
	}
	return str_eq(text, STR("0"));
}

static int
parse_seconds(const struct option *o, struct str text, struct arena *a,
	      union value *v, struct err *err)
{
	int64_t number;

	if (read_units(text, value_seconds, &number))
		return parse_number(o, number, a, v, err);
	return err_set(err, ERR_CONFIG,
		       "must be a duration such as 90s, 15m, 12h or 30d");
}

static int
parse_ms(const struct option *o, struct str text, struct arena *a,
	 union value *v, struct err *err)
{
	int64_t number;

	if (read_units(text, value_ms, &number))
		return parse_number(o, number, a, v, err);
	return err_set(err, ERR_CONFIG,
		       "must be a duration such as 500ms or 2s");
}

static int
parse_bytes(const struct option *o, struct str text, struct arena *a,
	    union value *v, struct err *err)
{
	struct str digits = text;
	int64_t factor = 1, number;

	for (const struct value_unit *u = value_bytes;
	     text.n > 0 && u->factor != 0; u++) {
		if (text.p[text.n - 1] == u->name[0]) {
			factor = u->factor;
			digits.n = text.n - 1;
		}
	}
	if (!str_to_uint(digits, INT64_MAX / factor, &number)) {
		return err_set(err, ERR_CONFIG,
			       "must be a size such as 512, 8k or 4m");
	}
	return parse_number(o, number * factor, a, v, err);
}

static int
parse_mode(const struct option *o, struct str text, struct arena *a,
	   union value *v, struct err *err)
{
	bool ok = text.n == 3 || (text.n == 4 && text.p[0] == '0');
	int64_t number = 0;

	for (size_t i = 0; ok && i < text.n; i++) {
		ok = text.p[i] >= '0' && text.p[i] <= '7';
		number = number * 8 + (text.p[i] - '0');
	}
	if (!ok) {
		return err_set(err, ERR_CONFIG,
			       "must be an octal file mode such as 0660");
	}
	return parse_number(o, number, a, v, err);
}

static int
parse_bool(struct str text, union value *v, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(bool_words); i++) {
		if (str_eq_nocase(text, str_from(bool_words[i].word))) {
			v->yes = bool_words[i].value;
			return 0;
		}
	}
	return err_set(err, ERR_CONFIG, "must be yes or no");
}

static int
parse_enum(const struct option *o, struct str text, struct arena *a,
	   union value *v, struct err *err)
{
	struct buf list;
	int i;

	buf_init(&list, a, 1024);
	for (i = 0; o->words[i] != NULL; i++) {
		if (str_eq(text, str_from(o->words[i]))) {
			v->index = i;
			return 0;
		}
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", o->words[i]);
	}
	if (buf_failed(&list))
		return err_nomem(err);
	return err_set(err, ERR_CONFIG, "must be one of %.*s",
		       STR_ARG(buf_str(&list)));
}

/* Copies a text, in lower case if the option asks for it. */
static int
copy_text(const struct option *o, struct str text, struct arena *a,
	  struct str *out, struct err *err)
{
	char *p = arena_cstr(a, text);

	if (p == NULL)
		return err_nomem(err);
	for (size_t i = 0; (o->flags & OPTION_LOWER) != 0 && i < text.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + ('a' - 'A'));
	}
	*out = (struct str){ .p = p, .n = text.n };
	return 0;
}

static int
check_count(const struct option *o, size_t n, const char *what, struct err *err)
{
	if (n == 0 || !value_has_range(o) ||
	    ((int64_t)n >= o->min && (int64_t)n <= o->max))
		return 0;
	return err_set(err, ERR_CONFIG, "must be %" PRId64 " to %" PRId64 " %s",
		       o->min, o->max, what);
}

static int
parse_text(const struct option *o, struct str text, struct arena *a,
	   union value *v, struct err *err)
{
	if (check_count(o, text.n, "bytes long", err) != 0)
		return -1;
	return copy_text(o, text, a, &v->text, err);
}

static int
parse_path(struct str text, struct arena *a, union value *v, struct err *err)
{
	char *p = NULL;

	if (text.n == 0) {
		v->path = NULL;
		return 0;
	}
	if (text.p[0] != '/' || text.n > PATH_MAX_BYTES ||
	    str_find(text, '\0') < text.n) {
		return err_set(err, ERR_CONFIG,
			       "must be an absolute file name, beginning with "
			       "/, of at most %d bytes",
			       PATH_MAX_BYTES);
	}
	p = arena_cstr(a, text);
	if (p == NULL)
		return err_nomem(err);
	v->path = p;
	return 0;
}

static int
parse_words(const struct option *o, struct str text, struct arena *a,
	    union value *v, struct err *err)
{
	struct str rest = text, word, *words;
	size_t n = 0;

	while (str_word(&rest, &word))
		n++;
	if (check_count(o, n, "words", err) != 0)
		return -1;
	words = arena_array(a, n, sizeof(*words));
	if (words == NULL)
		return err_nomem(err);
	rest = text;
	for (size_t i = 0; str_word(&rest, &word); i++) {
		if (copy_text(o, word, a, &words[i], err) != 0)
			return -1;
	}
	v->words = (struct words){ .v = words, .n = n };
	return 0;
}

int
value_parse(const struct option *o, struct str text, struct arena *a,
	    union value *v, struct err *err)
{
	switch (o->type) {
	case OPT_BOOL:
		return parse_bool(text, v, err);
	case OPT_INT:
		return parse_int(o, text, a, v, err);
	case OPT_SECONDS:
		return parse_seconds(o, text, a, v, err);
	case OPT_MS:
		return parse_ms(o, text, a, v, err);
	case OPT_BYTES:
		return parse_bytes(o, text, a, v, err);
	case OPT_MODE:
		return parse_mode(o, text, a, v, err);
	case OPT_STR:
	case OPT_SECRET:
		return parse_text(o, text, a, v, err);
	case OPT_PATH:
		return parse_path(text, a, v, err);
	case OPT_WORDS:
		return parse_words(o, text, a, v, err);
	case OPT_ENUM:
		return parse_enum(o, text, a, v, err);
	}
	return err_set(err, ERR_INTERNAL, "option %s has no type", o->name);
}

bool
value_is_empty(const struct option *o, const union value *v)
{
	switch (o->type) {
	case OPT_STR:
	case OPT_SECRET:
		return v->text.n == 0;
	case OPT_PATH:
		return v->path == NULL;
	case OPT_WORDS:
		return v->words.n == 0;
	case OPT_BOOL:
	case OPT_INT:
	case OPT_SECONDS:
	case OPT_MS:
	case OPT_BYTES:
	case OPT_MODE:
	case OPT_ENUM:
		break;
	}
	return false;
}
