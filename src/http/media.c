/* SPDX-License-Identifier: MIT */
/* Media types of request bodies and responses. */
#include "http/media.h"

#include "base/str.h"

/* Finds the value of one ";name=value" parameter; quotes are removed. */
static bool
find_parameter(struct str params, struct str name, struct str *value)
{
	struct str piece;

	while (str_cut(&params, ';', &piece)) {
		struct str key = { .p = piece.p, .n = str_find(piece, '=') };
		struct str text = str_trim(str_skip(piece, key.n + 1));

		if (!str_eq_nocase(str_trim(key), name))
			continue;
		if (text.n >= 2 && str_starts(text, STR("\"")) &&
		    str_ends(text, STR("\"")))
			text = (struct str){ .p = text.p + 1, .n = text.n - 2 };
		*value = text;
		return true;
	}
	return false;
}

enum http_media
media_of(struct str content_type)
{
	static const struct {
		const char *type;
		enum http_media media;
	} types[] = {
		{ "application/x-www-form-urlencoded", MEDIA_FORM },
		{ "application/json", MEDIA_JSON },
	};
	struct str params = content_type, type, charset;

	if (!str_cut(&params, ';', &type))
		return MEDIA_NONE;
	type = str_trim(type);
	if (type.n == 0)
		return MEDIA_NONE;
	if (find_parameter(params, STR("charset"), &charset) &&
	    !str_eq_nocase(charset, STR("utf-8")))
		return MEDIA_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_eq_nocase(type, str_from(types[i].type)))
			return types[i].media;
	}
	return MEDIA_OTHER;
}

/* Returns true for a qvalue (RFC 9110 section 12.4.2) above zero. */
static bool
is_weight(struct str q)
{
	bool above = false;

	for (size_t i = 0; i < q.n; i++) {
		if (q.p[i] >= '1' && q.p[i] <= '9')
			above = true;
		else if (q.p[i] != '0' && q.p[i] != '.')
			return false;
	}
	return above;
}

bool
media_accepted(struct str accept, struct str type)
{
	struct str member, range, q = STR("1");

	while (str_cut(&accept, ',', &member)) {
		if (!str_cut(&member, ';', &range) ||
		    !str_eq_nocase(str_trim(range), type))
			continue;
		if (!find_parameter(member, STR("q"), &q) || is_weight(q))
			return true;
	}
	return false;
}
