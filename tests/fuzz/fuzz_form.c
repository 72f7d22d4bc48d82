/* SPDX-License-Identifier: MIT */
/* Bodies: JSON if the first byte is a brace, urlencoded otherwise. */
#include "tests/support/fuzz.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/form.h"

static void
check(const struct form *f)
{
	assert(f->n <= FORM_MAX_FIELDS);
	for (size_t i = 0; i < f->n; i++) {
		struct str name = f->field[i].name, value = f->field[i].value;

		assert(name.p != NULL && value.p != NULL);
		assert(str_is_utf8(name) && str_is_utf8(value));
		assert(str_find(name, '\0') == name.n);
		assert(str_find(value, '\0') == value.n);
		for (size_t k = 0; k < i; k++)
			assert(!str_eq(name, f->field[k].name));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct http_request r = {
		.media = n > 0 && data[0] == '{' ? MEDIA_JSON : MEDIA_FORM,
		.body = { .p = (const char *)data, .n = n },
	};
	struct arena *a = arena_new(64 * n + 64 * 1024);
	struct form f = { .n = 0 };
	struct err err = { .code = ERR_NONE };

	if (a == NULL)
		return 0;
	if (form_parse(&r, a, &f, &err) == 0)
		check(&f);
	else
		assert(err.code == ERR_INPUT);
	arena_free(a);
	return 0;
}
