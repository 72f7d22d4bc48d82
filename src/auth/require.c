/* SPDX-License-Identifier: MIT */
/* Requirements: parsing and evaluation. */
#include "auth/require.h"

enum word { WORD_INVALID = 0, WORD_ANYBODY, WORD_USER, WORD_ROLE, WORD_DENY };

static enum word
classify(struct str word, struct str *name)
{
	/* "role:" has the same length */
	*name = str_skip(word, sizeof("user:") - 1);
	if (str_eq(word, STR("public")) || str_eq(word, STR("user")))
		return WORD_ANYBODY;
	if (str_eq(word, STR("deny")))
		return WORD_DENY;
	if (str_starts(word, STR("user:")) && identity_name_is_valid(*name))
		return WORD_USER;
	if (str_starts(word, STR("role:")) && identity_role_is_valid(*name))
		return WORD_ROLE;
	return WORD_INVALID;
}

bool
require_is_valid(struct str words)
{
	struct str word, name;
	size_t n = 0;
	bool deny = false;

	while (str_word(&words, &word)) {
		enum word kind = classify(word, &name);

		if (kind == WORD_INVALID)
			return false;
		deny = deny || kind == WORD_DENY;
		n++;
	}
	return n > 0 && (!deny || n == 1);
}

bool
require_is_public(struct str words)
{
	bool valid = require_is_valid(words), found = false;
	struct str word;

	while (str_word(&words, &word))
		found = found || str_eq(word, STR("public"));
	return valid && found;
}

bool
require_is_deny(struct str words)
{
	return str_eq(str_trim(words), STR("deny"));
}

static bool
word_is_met(enum word kind, struct str name, const struct identity *who)
{
	switch (kind) {
	case WORD_ANYBODY:
		return true;
	case WORD_USER:
		return str_eq(who->name, name);
	case WORD_ROLE:
		return identity_has_role(who, name);
	case WORD_INVALID:
	case WORD_DENY:
		break;
	}
	return false;
}

bool
require_is_met(struct str words, const struct identity *who)
{
	struct str word, name;
	bool met = false;

	if (!require_is_valid(words))
		return false;
	while (str_word(&words, &word)) {
		enum word kind = classify(word, &name);

		met = met || word_is_met(kind, name, who);
	}
	return met;
}
