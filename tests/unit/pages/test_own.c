/* SPDX-License-Identifier: MIT */
/* Pages from [pages] directory. */
#include "tests/unit/pages/pages_fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/html.h"
#include "pages/catalogue.h"
#include "pages/own_check.h"

static char directory[] = "own-pages-XXXXXX";
static const char *const written[] = {
	"new_password.html", "login.html",    "logout.html",  "frame.html",
	"style.css",	     "none.html",     "texts/en.txt", "texts/xx.txt",
	"texts/old.txt",     "texts/.de.txt",
};

static const char *
own_name(const char *name)
{
	char *path = arena_alloc(arena, 600);

	ck_assert_ptr_nonnull(path);
	(void)snprintf(path, 600, "%s/%s", directory, name);
	return path;
}

static void
make(void)
{
	setup();
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(mkdir(own_name("texts"), 0700), 0);
}

static void
clear(void)
{
	for (size_t i = 0; i < ARRAY_LEN(written); i++)
		(void)unlink(own_name(written[i]));
	ck_assert_int_eq(rmdir(own_name("texts")), 0);
	ck_assert_int_eq(rmdir(directory), 0);
	teardown();
}

static void
write_own(const char *name, struct str content)
{
	FILE *out = fopen(own_name(name), "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(content.p, 1, content.n, out), content.n);
	ck_assert_int_eq(fclose(out), 0);
}

static struct pages *
open_own(void)
{
	return open_pages(&(struct pages_settings){ .directory = directory });
}

/* Returns a template of the source with one text in place of another. */
static struct str
changed(const char *name, const char *from, const char *to)
{
	char path[64];
	struct str s, before;
	struct buf b;
	const char *at;

	(void)snprintf(path, sizeof(path), "src/pages/%s", name);
	s = file_content(path);
	at = memmem(s.p, s.n, from, strlen(from));
	ck_assert_msg(at != NULL, "%s has no %s", name, from);
	before = (struct str){ .p = s.p, .n = (size_t)(at - s.p) };
	buf_init(&b, arena, FILE_MAX);
	buf_add(&b, before);
	buf_add_cstr(&b, to);
	buf_add(&b, str_skip(s, before.n + strlen(from)));
	ck_assert(!buf_failed(&b));
	return buf_str(&b);
}

static const char *
written_page(const struct pages *pages, enum page page, const char *language)
{
	const struct html_scope scope = { .n = 0 };
	const struct page_language *lang =
	    pages_language_of(pages, str_from(language));
	struct buf b;

	ck_assert_ptr_nonnull(lang);
	buf_init(&b, arena, FILE_MAX);
	pages_write(pages, page, lang, &scope, &b);
	buf_add_char(&b, '\0');
	ck_assert(!buf_failed(&b));
	return buf_str(&b).p;
}

/* The files replace the built-in ones; the others stay. */
START_TEST(files_replace_the_built_in_ones)
{
	struct pages *built_in = open_pages(&(struct pages_settings){
	    .directory = NULL,
	});
	struct pages *pages = open_own();

	ck_assert_ptr_nonnull(pages);
	ck_assert_str_eq(written_page(pages, PAGE_LOGIN, "en"),
			 written_page(built_in, PAGE_LOGIN, "en"));
	write_own("login.html",
		  changed("login.html", "<h1>", "<p>Hello</p>\r\n<h1>"));
	write_own("style.css", STR("body {}"));
	write_own("texts/en.txt", STR("# mine\nlogin.title = Come in\n"));
	pages = open_own();
	ck_assert_msg(pages != NULL, "%s", problems.first->text);
	ck_assert_uint_eq(problems.warnings, 0);
	ck_assert_ptr_nonnull(strstr(written_page(pages, PAGE_LOGIN, "en"),
				     "<p>Hello</p>\n<h1>Come in</h1>"));
	ck_assert_str_eq(written_page(pages, PAGE_LOGOUT, "en"),
			 written_page(built_in, PAGE_LOGOUT, "en"));
	ck_assert(str_eq(pages_file(pages, FILE_STYLE)->text,
			 STR("body {}\n")));
	ck_assert(str_eq(pages_file(pages, FILE_PAGE)->text,
			 pages_file(built_in, FILE_PAGE)->text));
}
END_TEST

/* English steps in for what a language of one's own lacks. */
START_TEST(language_can_be_added)
{
	struct pages *pages;

	write_own("texts/xx.txt", STR("language.name = Xenish\n"
				      "language.direction = rtl\n"
				      "login.title = Xog xin\n"));
	pages = open_own();
	ck_assert_msg(pages != NULL, "%s", problems.first->text);
	ck_assert(pages_language_of(pages, STR("xx"))->right_to_left);
	ck_assert(str_eq(pages_negotiate(pages, STR("xx-YY"))->name,
			 STR("Xenish")));
	ck_assert_ptr_nonnull(strstr(written_page(pages, PAGE_LOGIN, "xx"),
				     "<h1>Xog xin</h1>"));
	ck_assert_ptr_nonnull(strstr(written_page(pages, PAGE_LOGIN, "xx"),
				     "Password"));
}
END_TEST

/* A template may use texts of its own. */
START_TEST(texts_can_be_added)
{
	write_own("login.html",
		  changed("login.html", "<h1>", "<p>{{:my.text}}</p><h1>"));
	write_own("texts/en.txt", STR("my.text = Hi {host}\n"));
	write_own("texts/xx.txt",
		  STR("language.name = X\nlanguage.direction = ltr\n"
		      "my.text = Ho {host}\n"));
	ck_assert_ptr_nonnull(open_own());
	ck_assert_uint_eq(problems.warnings, 0);
	write_own("texts/xx.txt",
		  STR("language.name = X\nlanguage.direction = ltr\n"
		      "my.text = Ho {user}\n"));
	ck_assert_ptr_null(open_own());
}
END_TEST

static void
expect_problem(const char *name, const char *what)
{
	char text[400];

	(void)snprintf(text, sizeof(text), "%s/%s%s", directory, name, what);
	for (const struct problem *p = problems.first; p != NULL; p = p->next) {
		if (strcmp(p->text, text) == 0)
			return;
	}
	ck_abort_msg("not reported: %s (but %s)", text,
		     problems.first != NULL ? problems.first->text : "nothing");
}

/* `at` is a text whose first line is named, or NULL. */
static const struct {
	const char *name, *from, *to, *at, *problem;
} mistakes[] = {
	{ "login.html", "<h1>", "<h1>{{usr}}", "{{usr}}",
	  "{{usr}}: the page has no value of this name" },
	{ "login.html", "<h1>", "<h1>{{:login.x}}", "{{:login.x}}",
	  "{{:login.x}}: there is no text of this name" },
	{ "login.html", "<!--{{/place}}-->\n", "", "{{#place}}",
	  "{{#place}}: has no end" },
	{ "login.html", "{{#place}}", "{{/place}}", "{{/place}}",
	  "{{/place}}: does not end the section before it" },
	{ "login.html", "<h1>", "<h1>{{#place}}{{^place}}", "{{^place}}",
	  "{{^place}}: is inside of a section of the same name" },
	{ "login.html", "</html>", "{{x", "{{x", "{{ without }}" },
	{ "login.html", "<body>", "<body class=\"a\">", NULL,
	  "needs <title>, </title> and, on lines of their own, <body> and "
	  "</body>" },
	{ "login.html", "name=\"username\"", "name=\"user\"", NULL,
	  "name=\"username\" is missing" },
	{ "login.html", "name=\"password\"", "name=\"pass\"", NULL,
	  "name=\"password\" is missing" },
	{ "login.html", "{{csrf}}", "", NULL, "{{csrf}} is missing" },
	{ "login.html", "{{*problem}}", "", NULL, "{{*problem}} is missing" },
	{ "new_password.html", " action=\"{{path}}/login/password\"", "", NULL,
	  "action=\"{{path}}/login/password\" is missing" },
	{ "logout.html", "</form>", "</form>\n<form method=\"post\"><p></form>",
	  "<form method=\"post\"><p>", "the form has no {{csrf}}" },
	{ "logout.html", "</form>", "", "<form", "the form has no end" },
	{ "frame.html", "{{main}}", "", NULL,
	  "needs {{title}} and, on a line of its own, {{main}}" },
	{ "frame.html", "{{main}}", "{{main}}\n{{csrf}}", "{{csrf}}",
	  "{{csrf}}: the page has no value of this name" },
	{ "logout.html", "<h1>", "<h1>\xff", "<h1>",
	  "the line is not UTF-8 text" },
};

/* Returns the number of the line that has the first `what`. */
static unsigned
line_of(struct str text, const char *what)
{
	const char *at = memmem(text.p, text.n, what, strlen(what));
	unsigned line = 1;

	ck_assert_ptr_nonnull(at);
	for (const char *p = text.p; p < at; p++)
		line += *p == '\n' ? 1 : 0;
	return line;
}

START_TEST(mistake_in_a_template_is_found)
{
	struct str text =
	    changed(mistakes[_i].name, mistakes[_i].from, mistakes[_i].to);
	char problem[200];

	write_own(mistakes[_i].name, text);
	ck_assert_ptr_null(open_own());
	if (mistakes[_i].at == NULL)
		(void)snprintf(problem, sizeof(problem), ": %s",
			       mistakes[_i].problem);
	else
		(void)snprintf(problem, sizeof(problem), ":%u: %s",
			       line_of(text, mistakes[_i].at),
			       mistakes[_i].problem);
	expect_problem(mistakes[_i].name, problem);
}
END_TEST

static const struct {
	const char *name, *content, *problem;
} bad_texts[] = {
	{ "texts/en.txt", "# c\nlogin.title: x\n",
	  ":2: must be: place.name = text" },
	{ "texts/en.txt", "login title = x\n",
	  ":1: must be: place.name = text" },
	{ "texts/en.txt", "login.title{ = x\n",
	  ":1: must be: place.name = text" },
	{ "texts/en.txt", "login.title = x\nlogin.title = y\n",
	  ":2: login.title: occurs twice" },
	{ "texts/en.txt", "login.title = x\ty\n",
	  ":1: has a control character" },
	{ "texts/en.txt", "login.to = x\n",
	  ":1: login.to: the placeholders are not those of the English text" },
	{ "texts/en.txt", "login.to = {place} {host}\n",
	  ":1: login.to: the placeholders are not those of the English text" },
	{ "texts/en.txt", "ban.left_days{few} = {n} d\n",
	  ":1: ban.left_days{few}: the language has no such plural form" },
	{ "texts/en.txt", "language.direction = up\n",
	  ": language.direction must be ltr or rtl" },
	{ "texts/xx.txt", "language.direction = ltr\n",
	  ": language.name is missing" },
	{ "texts/xx.txt", "language.name = X\n",
	  ": language.direction must be ltr or rtl" },
};

START_TEST(mistake_in_a_text_is_found)
{
	write_own(bad_texts[_i].name, str_from(bad_texts[_i].content));
	ck_assert_ptr_null(open_own());
	expect_problem(bad_texts[_i].name, bad_texts[_i].problem);
}
END_TEST

/* What nothing uses is only a warning: the next version may have renamed it. */
START_TEST(unused_is_a_warning)
{
	char text[400];

	write_own("none.html", STR(""));
	write_own("texts/old.txt", STR(""));
	write_own("texts/.de.txt", STR("not read"));
	write_own("texts/en.txt", STR("login.gone = x\n"));
	ck_assert_ptr_nonnull(open_own());
	ck_assert_uint_eq(problems.warnings, 3);
	(void)snprintf(text, sizeof(text),
		       "%s/none.html: warning: nothing uses a file of this "
		       "name",
		       directory);
	ck_assert_str_eq(problems.first_warning->text, text);
	(void)snprintf(text, sizeof(text),
		       "%s/texts/en.txt:1: warning: login.gone: no page uses "
		       "this text",
		       directory);
	ck_assert_str_eq(problems.first_warning->next->next->text, text);
}
END_TEST

START_TEST(files_are_bounded)
{
	char *large = arena_alloc(arena, 25 * 1024);

	ck_assert_ptr_nonnull(large);
	memset(large, 'a', 25 * 1024);
	write_own("style.css", (struct str){ .p = large, .n = 25 * 1024 });
	ck_assert_ptr_null(open_own());
	ck_assert_ptr_nonnull(strstr(problems.first->text,
				     "style.css: it is larger than 24576"));
	ck_assert_ptr_null(open_pages(&(struct pages_settings){
	    .directory = "/nonexistent" }));
	ck_assert_str_eq(problems.first->text,
			 "test.ini: [pages] directory: /nonexistent: cannot "
			 "open it: No such file or directory");
}
END_TEST

/* A copy of a built-in template is a good beginning. */
START_TEST(built_in_template_has_no_mistake)
{
	struct str text = page_template((enum page)_i);
	size_t n;
	const struct own_template own = { .page = (enum page)_i,
					  .file = "built in",
					  .text = text,
					  .built_in = text,
					  .english = catalogues(&n) };

	problems_init(&problems, arena);
	ck_assert_msg(own_check(&own, &problems) == 0, "%s",
		      problems.first->text);
	ck_assert_str_eq(template_file_name((enum page)_i), page_names[_i]);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("own");

	tcase_add_checked_fixture(t, make, clear);
	tcase_add_test(t, files_replace_the_built_in_ones);
	tcase_add_test(t, language_can_be_added);
	tcase_add_test(t, texts_can_be_added);
	tcase_add_loop_test(t, mistake_in_a_template_is_found, 0,
			    ARRAY_LEN(mistakes));
	tcase_add_loop_test(t, mistake_in_a_text_is_found, 0,
			    ARRAY_LEN(bad_texts));
	tcase_add_test(t, unused_is_a_warning);
	tcase_add_test(t, files_are_bounded);
	tcase_add_loop_test(t, built_in_template_has_no_mistake, 0, PAGES);
	return run_case(t);
}
