/* SPDX-License-Identifier: MIT */
/* Finds texts in the catalogues. */
#include "pages/catalogue.h"

#include <string.h>

#include "base/str.h"
#include "pages/plural.h"

#define COUNT_MAX INT64_C(1000000000000)

#include "pages/texts.inc"

const struct catalogue *
catalogues(size_t *n)
{
	*n = ARRAY_LEN(built_in);
	return built_in;
}

const struct catalogue *
catalogue_of(const struct catalogue *v, size_t n, struct str language)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(str_from(v[i].language), language))
			return &v[i];
	}
	return NULL;
}

/* Compares the text key{form}, or the key alone, with an entry. */
static int
order_key(struct str key, const char *form, const char *entry)
{
	int order = strncmp(key.p, entry, key.n);

	if (order != 0)
		return order;
	entry += key.n;
	if (form == NULL)
		return *entry == '\0' ? 0 : -1;
	if (*entry != '{')
		return '{' - (unsigned char)*entry;
	order = strncmp(form, entry + 1, strlen(form));
	return order != 0 ? order :
			    '}' - (unsigned char)entry[1 + strlen(form)];
}

static const char *
find_form(const struct catalogue *c, struct str key, const char *form)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = order_key(key, form, c->v[middle].key);

		if (order == 0)
			return c->v[middle].text;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *
catalogue_find(const struct catalogue *c, struct str key, struct str count)
{
	const char *text = NULL, *form;
	int64_t n;

	if (c == NULL || key.n == 0)
		return NULL;
	if (count.n > 0 && str_to_uint(count, COUNT_MAX, &n)) {
		form = plural_form(c->language, n);
		if (form != NULL)
			text = find_form(c, key, form);
	}
	return text != NULL ? text : find_form(c, key, NULL);
}
