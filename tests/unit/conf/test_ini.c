/* SPDX-License-Identifier: MIT */
/* The parser of INI files. */
#include "conf/ini.h"

#include "base/buf.h"
#include "tests/unit/conf/drivers.h"

static const struct {
	struct str text;
	const char *entries; /* section[/name].key=value|, for each entry */
} readable[] = {
	{ LIT(""), "" },
	{ LIT("\xef\xbb\xbf[a]\nb = c"), "a.b=c|" },
	{ LIT("[a]\r\nb = c\r\n"), "a.b=c|" },
	{ LIT("; x\n# y\n\n  \t\n[a] ; z\nb=c"), "a.b=c|" },
	{ LIT("[a]\nb = c ; d"), "a.b=c|" },
	{ LIT("[a]\nb = c\t# d"), "a.b=c|" },
	{ LIT("[a]\nb = c;d#e"), "a.b=c;d#e|" },
	{ LIT("[a]\nb = ; d"), "a.b=|" },
	{ LIT("[a]\nb =;d"), "a.b=;d|" },
	{ LIT("[a]\nb ="), "a.b=|" },
	{ LIT("[a]\nb = c = d"), "a.b=c = d|" },
	{ LIT("[a]\nb = \"c ; d\" ; e"), "a.b=c ; d|" },
	{ LIT("[a]\nb = \" \\\"\\\\ \";e"), "a.b= \"\\ |" },
	{ LIT("[a]\nb = \"\""), "a.b=|" },
	{ LIT("[a]\nb = c \"d\" e"), "a.b=c \"d\" e|" },
	{ LIT("[a]\nb = c\\d"), "a.b=c\\d|" },
	{ LIT("[a]\n  b  =  c  d  "), "a.b=c  d|" },
	{ LIT("[a]\nb = \xc3\xa9"), "a.b=\xc3\xa9|" },
	{ LIT("[ rule  x-1 ]\nb = c\n[rule y]\nb = d"),
	  "rule/x-1.b=c|rule/y.b=d|" },
};

static void
write_entries(const struct ini *ini, struct buf *out)
{
	for (size_t i = 0; i < ini->nentries; i++) {
		const struct ini_entry *e = &ini->entries[i];

		buf_add(out, e->section);
		buf_add_cstr(out, e->name.n > 0 ? "/" : "");
		buf_add(out, e->name);
		buf_add_char(out, '.');
		buf_add(out, e->key);
		buf_add_char(out, '=');
		buf_add(out, e->value);
		buf_add_char(out, '|');
	}
}

START_TEST(ini_lines_are_read)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct problems problems;
	struct buf entries;
	struct ini ini;

	problems_init(&problems, a);
	buf_init(&entries, a, 4096);
	ck_assert_int_eq(ini_parse(readable[_i].text, "t.ini", a, &ini,
				   &problems),
			 0);
	ck_assert_msg(problems.count == 0, "row %d: %s", _i,
		      problems.first != NULL ? problems.first->text : "");
	write_entries(&ini, &entries);
	ck_assert_msg(str_eq(buf_str(&entries), str_from(readable[_i].entries)),
		      "row %d: %.*s", _i, STR_ARG(buf_str(&entries)));
	arena_free(a);
}
END_TEST

/* Parses `[server]` and a line `path = xxx...` of n bytes, and returns the text
 * of the problem, or "". */
static const char *
problem_of_long_line(size_t n, struct arena *a)
{
	struct problems *problems = arena_alloc(a, sizeof(*problems));
	struct ini *ini = arena_alloc(a, sizeof(*ini));
	struct buf text;

	problems_init(problems, a);
	buf_init(&text, a, INI_MAX_BYTES);
	buf_add_cstr(&text, "[server]\npath = ");
	for (size_t i = strlen("path = "); i < n; i++)
		buf_add_char(&text, 'x');
	buf_add_cstr(&text, "\nthreads = 1\n");
	ck_assert_int_eq(ini_parse(buf_str(&text), "t.ini", a, ini, problems),
			 0);
	ck_assert_uint_eq(ini->nentries + problems->count, 2);
	return problems->first != NULL ? problems->first->text : "";
}

START_TEST(reader_keeps_its_limits)
{
	static const char too_many[] = "a = 1\n";
	struct arena *a = arena_new(ARENA_BYTES);
	struct problems problems;
	struct buf text;
	struct ini ini;

	ck_assert_str_eq(problem_of_long_line(64 * 1024, a), "");
	ck_assert_str_eq(problem_of_long_line(64 * 1024 + 1, a),
			 "t.ini:2: the line is longer than 64 KiB");

	problems_init(&problems, a);
	buf_init(&text, a, 2 * INI_MAX_BYTES);
	buf_add_cstr(&text, "[s]\n");
	for (int i = 1; i < INI_MAX_ITEMS; i++)
		buf_printf(&text, "a%d = 1\n", i);
	ck_assert_int_eq(ini_parse(buf_str(&text), "t.ini", a, &ini, &problems),
			 0);
	/* The entry on the last line is the one too many. */
	ck_assert_uint_eq(ini.nentries, INI_MAX_ITEMS - 1);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.first->text,
			 "t.ini:16385: too many keys and sections");

	problems_init(&problems, a);
	while (text.n <= INI_MAX_BYTES)
		buf_add_cstr(&text, too_many);
	ck_assert_int_eq(ini_parse(buf_str(&text), "t.ini", a, &ini, &problems),
			 0);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.first->text,
			 "t.ini: the file is larger than 1 MiB");
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("ini");

	tcase_add_loop_test(t, ini_lines_are_read, 0, ARRAY_LEN(readable));
	tcase_add_test(t, reader_keeps_its_limits);
	return run_case(t);
}
