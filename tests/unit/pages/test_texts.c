/* SPDX-License-Identifier: MIT */
/* The catalogues: every text is used, every text that is used exists, and the
 * languages agree. */
#include "tests/unit/pages/pages_fixture.h"

#include <dirent.h>
#include <string.h>

#include "http/html.h"
#include "pages/catalogue.h"
#include "pages/plural.h"

#define KEYS_MAX 1024

struct keys {
	struct str v[KEYS_MAX];
	size_t n;
};

static void
add_key(struct keys *keys, struct str key)
{
	ck_assert_uint_lt(keys->n, KEYS_MAX);
	keys->v[keys->n++] = key;
}

static bool
has_key(const struct keys *keys, struct str key)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (str_eq(keys->v[i], key))
			return true;
	}
	return false;
}

static struct str
joined(const char *place, size_t n, const char *name)
{
	char *key = arena_alloc(arena, n + strlen(name) + 2);

	ck_assert_ptr_nonnull(key);
	(void)sprintf(key, "%.*s.%s", (int)n, place, name);
	return str_from(key);
}

/* Adds the keys that a source file marks by TEXT("..."): a key, or the place of
 * the three texts of a refusal. */
static void
add_marked(struct keys *keys, const char *file)
{
	static const char mark[] = "TEXT(\"";
	const char *at = file_content(file).p;

	while ((at = strstr(at, mark)) != NULL) {
		size_t n;

		at += strlen(mark);
		n = strcspn(at, "\"");
		if (memchr(at, '.', n) != NULL) {
			add_key(keys, (struct str){ .p = at, .n = n });
			continue;
		}
		add_key(keys, joined(at, n, "title"));
		add_key(keys, joined(at, n, "happened"));
		add_key(keys, joined(at, n, "do"));
	}
}

static void
add_of_sources(struct keys *keys)
{
	DIR *dir = opendir(source_path("src/auth"));
	struct dirent *entry;
	char name[300];

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (!str_ends(str_from(entry->d_name), STR(".c")))
			continue;
		(void)snprintf(name, sizeof(name), "src/auth/%s",
			       entry->d_name);
		add_marked(keys, name);
	}
	ck_assert_int_eq(closedir(dir), 0);
}

static void
add_of_templates(struct keys *keys)
{
	for (int i = 0; i < PAGES; i++) {
		struct str rest = page_template((enum page)i), before, tag;

		while (html_take_tag(&rest, &before, &tag)) {
			if (tag.p[0] == ':')
				add_key(keys, str_skip(tag, 1));
		}
	}
}

static const struct keys *
used_keys(void)
{
	struct keys *keys = arena_alloc(arena, sizeof(*keys));

	ck_assert_ptr_nonnull(keys);
	add_key(keys, STR("language.name"));
	add_key(keys, STR("language.direction"));
	add_of_templates(keys);
	add_of_sources(keys);
	return keys;
}

/* Returns a key without its plural form. */
static struct str
bare(const char *key)
{
	return (struct str){ .p = key, .n = strcspn(key, "{") };
}

static const struct catalogue *
english(void)
{
	size_t n;

	return catalogues(&n);
}

START_TEST(every_used_text_exists)
{
	const struct keys *keys = used_keys();

	for (size_t i = 0; i < keys->n; i++)
		ck_assert_msg(catalogue_find(english(), keys->v[i], STR("")) !=
				  NULL,
			      "en.txt lacks %.*s", STR_ARG(keys->v[i]));
}
END_TEST

START_TEST(every_text_is_used)
{
	const struct keys *keys = used_keys();
	const struct catalogue *c = english();

	for (size_t i = 0; i < c->n; i++)
		ck_assert_msg(has_key(keys, bare(c->v[i].key)),
			      "en.txt: nothing uses %s", c->v[i].key);
}
END_TEST

START_TEST(catalogue_is_sorted)
{
	size_t n;
	const struct catalogue *all = catalogues(&n);

	for (size_t k = 0; k < n; k++) {
		for (size_t i = 1; i < all[k].n; i++)
			ck_assert_int_lt(strcmp(all[k].v[i - 1].key,
						all[k].v[i].key),
					 0);
	}
}
END_TEST

static size_t
count_placeholder(const char *text, const char *name, size_t n)
{
	size_t found = 0;

	for (const char *at = text; (at = strchr(at, '{')) != NULL; at++)
		found += strncmp(at, name, n) == 0 ? 1 : 0;
	return found;
}

/* Checks that one text has all placeholders of another. A form for one thing or
 * for two things may leave out the number. */
static void
expect_placeholders(const struct catalogue *c, const char *key,
		    const char *text, const char *in)
{
	bool number = strchr(key, '{') != NULL;

	for (const char *at = text; (at = strchr(at, '{')) != NULL; at++) {
		size_t n = strcspn(at, "}") + 1;

		if (number && strncmp(at, "{n}", 3) == 0)
			continue;
		ck_assert_msg(count_placeholder(in, at, n) > 0,
			      "%s.txt: the placeholders of %s are not those of "
			      "English",
			      c->language, key);
	}
}

static bool
is_form_of(const char *language, struct str form)
{
	for (const char *const *f = plural_forms(language); *f != NULL; f++) {
		if (str_eq(str_from(*f), form))
			return true;
	}
	return false;
}

/* Each text of a language must be one of English, with the same placeholders
 * and with a plural form that the language has. */
START_TEST(texts_are_those_of_english)
{
	size_t n;
	const struct catalogue *all = catalogues(&n);

	for (size_t k = 0; k < n; k++) {
		const struct catalogue *c = &all[k];

		for (size_t i = 0; i < c->n; i++) {
			const char *key = c->v[i].key;
			struct str form = str_skip(str_from(key), bare(key).n);
			const char *en =
			    catalogue_find(english(), bare(key), STR(""));

			ck_assert_msg(en != NULL, "%s.txt: en.txt lacks %s",
				      c->language, key);
			expect_placeholders(c, key, en, c->v[i].text);
			expect_placeholders(c, key, c->v[i].text, en);
			if (form.n == 0)
				continue;
			form = str_skip(form, 1);
			form.n--;
			ck_assert_msg(is_form_of(c->language, form),
				      "%s.txt: the language has no form %s",
				      c->language, key);
		}
	}
}
END_TEST

static bool
has_exact_key(const struct catalogue *c, struct str key)
{
	for (size_t i = 0; i < c->n; i++) {
		if (str_eq(str_from(c->v[i].key), key))
			return true;
	}
	return false;
}

/* English steps in where a language of a site lacks a text. The languages that
 * come with the service lack none. */
START_TEST(languages_have_all_texts)
{
	size_t n;
	const struct catalogue *all = catalogues(&n);
	const struct catalogue *en = english();

	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < en->n; i++)
			ck_assert_msg(has_exact_key(&all[k],
						    bare(en->v[i].key)),
				      "%s.txt lacks %.*s", all[k].language,
				      STR_ARG(bare(en->v[i].key)));
	}
}
END_TEST

/* A text that has forms in English has all forms of the language. */
START_TEST(plural_forms_are_complete)
{
	size_t n;
	const struct catalogue *all = catalogues(&n);
	const struct catalogue *en = english();

	for (size_t k = 0; k < n; k++) {
		const char *const *forms = plural_forms(all[k].language);

		for (size_t i = 0; i < en->n; i++) {
			struct str key = bare(en->v[i].key);

			if (en->v[i].key[key.n] == '\0' ||
			    !has_exact_key(&all[k], key))
				continue;
			for (size_t f = 0; forms[f] != NULL; f++) {
				char full[128];

				(void)snprintf(full, sizeof(full), "%.*s{%s}",
					       STR_ARG(key), forms[f]);
				ck_assert_msg(has_exact_key(&all[k],
							    str_from(full)),
					      "%s.txt lacks %s",
					      all[k].language, full);
			}
		}
	}
}
END_TEST

/* English cannot step in for these. */
START_TEST(language_has_a_name)
{
	size_t n;
	const struct catalogue *all = catalogues(&n);

	ck_assert_str_eq(all[0].language, "en");
	for (size_t k = 0; k < n; k++) {
		const char *direction =
		    catalogue_find(&all[k], STR("language.direction"), STR(""));

		ck_assert_ptr_nonnull(catalogue_find(&all[k],
						     STR("language.name"),
						     STR("")));
		ck_assert_ptr_nonnull(direction);
		ck_assert(strcmp(direction, "ltr") == 0 ||
			  strcmp(direction, "rtl") == 0);
		ck_assert_ptr_eq(catalogue_of(all, n,
					      str_from(all[k].language)),
				 &all[k]);
	}
	ck_assert_ptr_null(catalogue_of(all, n, STR("e")));
	ck_assert_ptr_null(catalogue_of(all, n, STR("eng")));
}
END_TEST

START_TEST(form_is_found_by_the_number)
{
	static const struct page_text v[] = {
		{ "a", "first" },	 { "key", "other" },
		{ "key.more", "more" },	 { "key2", "second" },
		{ "keys", "last" },	 { "key{few}", "few" },
		{ "key{many}", "many" }, { "key{one}", "one" },
	};
	static const struct catalogue c = { "pl", v, ARRAY_LEN(v) };
	static const struct {
		const char *key, *count, *text;
	} rows[] = {
		{ "key", "", "other" },	   { "key", "1", "one" },
		{ "key", "3", "few" },	   { "key", "5", "many" },
		{ "key", "x", "other" },   { "key.more", "1", "more" },
		{ "key2", "3", "second" }, { "keys", "1", "last" },
		{ "a", "1", "first" },	   { "ke", "1", NULL },
		{ "key{one}", "", "one" }, { "", "1", NULL },
		{ "z", "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = catalogue_find(&c, str_from(rows[i].key),
						  str_from(rows[i].count));

		if (rows[i].text == NULL) {
			ck_assert_ptr_null(text);
			continue;
		}
		ck_assert_msg(text != NULL, "row %zu", i);
		ck_assert_str_eq(text, rows[i].text);
	}
	ck_assert_ptr_null(catalogue_find(NULL, STR("key"), STR("")));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("texts");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_used_text_exists);
	tcase_add_test(t, every_text_is_used);
	tcase_add_test(t, catalogue_is_sorted);
	tcase_add_test(t, texts_are_those_of_english);
	tcase_add_test(t, languages_have_all_texts);
	tcase_add_test(t, plural_forms_are_complete);
	tcase_add_test(t, language_has_a_name);
	tcase_add_test(t, form_is_found_by_the_number);
	return run_case(t);
}
