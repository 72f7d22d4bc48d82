/* SPDX-License-Identifier: MIT */
/* Reads Accept-Language. */
#include "pages/language.h"

#include "base/str.h"

#define PARTS_MAX 32

/* Reads a weight of at most three decimals as thousandths; -1 when it is
 * malformed. */
static int64_t
read_weight(struct str s)
{
	static const int64_t scale[] = { 1000, 100, 10, 1 };
	struct str whole;
	int64_t units, part = 0;

	if (!str_cut(&s, '.', &whole) || !str_to_uint(whole, 1, &units))
		return -1;
	if (s.n > 3 || (s.n > 0 && !str_to_uint(s, 999, &part)))
		return -1;
	part = units * 1000 + part * scale[s.n];
	return part <= 1000 ? part : -1;
}

/* Returns the weight of the parameters of a part: `q=0.8`. */
static int64_t
weight_of(struct str parameters)
{
	struct str name = str_trim(parameters);

	if (name.n == 0)
		return 1000;
	if (!str_starts(name, STR("q=")) && !str_starts(name, STR("Q=")))
		return -1;
	return read_weight(str_skip(name, 2));
}

/* Returns the index of the language of a tag, or n. */
static size_t
index_of(struct str tag, const char *const *languages, size_t n)
{
	struct str first;
	size_t i = 0;

	if (!str_cut(&tag, '-', &first))
		return n;
	while (i < n && !str_eq_nocase(first, str_from(languages[i])))
		i++;
	return i;
}

bool
language_negotiate(struct str accept, const char *const *languages, size_t n,
		   size_t *best)
{
	int64_t most = 0;
	struct str part;

	*best = 0;
	for (size_t i = 0; i < PARTS_MAX && str_cut(&accept, ',', &part); i++) {
		struct str tag;
		int64_t weight;
		size_t at;

		if (!str_cut(&part, ';', &tag))
			continue;
		weight = weight_of(part);
		at = index_of(str_trim(tag), languages, n);
		if (at == n || weight <= most)
			continue;
		most = weight;
		*best = at;
	}
	return most > 0;
}
