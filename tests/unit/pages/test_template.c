/* SPDX-License-Identifier: MIT */
/* The files of src/pages, and the pages rendered from them. */
#include "tests/unit/pages/pages_fixture.h"

#include <dirent.h>
#include <string.h>

#include "base/buf.h"
#include "http/html.h"
#include "pages/catalogue.h"
#include "pages/pages.h"

#define NAMES_MAX  64
#define LINK	   "<link rel=\"stylesheet\" href=\"style.css\">"
/* The most bytes of a style sheet, a script and a page. */
#define STYLE_MAX  (12 * 1024)
#define SCRIPT_MAX (3 * 1024)

START_TEST(page_equals_its_file)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "src/pages/%s", page_names[_i]);
	ck_assert_msg(str_eq(page_template((enum page)_i), file_content(name)),
		      "the page differs from %s", name);
}
END_TEST

START_TEST(files_equal_theirs)
{
	static const char *const names[PAGE_FILES] = {
		[FILE_STYLE] = "src/pages/style.css",
		[FILE_PAGE] = "src/pages/page.js",
		[FILE_ICON] = "src/pages/icon.svg",
	};
	struct str text;
	struct err err;

	for (int i = 0; i < PAGE_FILES; i++) {
		ck_assert_int_eq(template_file((enum page_file)i, arena, &text,
					       &err),
				 0);
		ck_assert_msg(str_eq(text, file_content(names[i])),
			      "the file differs from %s", names[i]);
	}
	ck_assert_uint_le(file_content("src/pages/style.css").n, STYLE_MAX);
	ck_assert_uint_le(file_content("src/pages/page.js").n, SCRIPT_MAX);
}
END_TEST

START_TEST(every_file_is_a_page)
{
	DIR *dir = opendir(source_path("src/pages"));
	struct dirent *entry;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		n += str_ends(str_from(entry->d_name), STR(".html")) ? 1 : 0;
	ck_assert_int_eq(closedir(dir), 0);
	ck_assert_uint_eq(n, PAGES);
}
END_TEST

/* Returns true when the tag, without the character that tells its kind, is a
 * name of the page. */
static bool
is_known(enum page page, struct str tag)
{
	if (page == PAGE_FRAME &&
	    (str_eq(tag, STR("title")) || str_eq(tag, STR("main"))))
		return true;
	if (tag.n > 0 && strchr("#^/*", tag.p[0]) != NULL)
		tag = str_skip(tag, 1);
	return template_has_name(page, tag);
}

START_TEST(every_placeholder_is_filled)
{
	struct str rest = page_template((enum page)_i), before, tag;

	while (html_take_tag(&rest, &before, &tag)) {
		if (tag.p[0] == '!' || tag.p[0] == ':')
			continue;
		ck_assert_msg(is_known((enum page)_i, tag),
			      "%s: nothing fills in {{%.*s}}", page_names[_i],
			      STR_ARG(tag));
	}
	ck_assert_ptr_null(tag.p);
}
END_TEST

/* Returns how often a page has the tag of a kind and a name. */
static size_t
count_tags(enum page page, const char *kinds, struct str name)
{
	struct str rest = page_template(page), before, tag;
	size_t n = 0;

	while (html_take_tag(&rest, &before, &tag)) {
		if (strchr(kinds, tag.p[0]) != NULL &&
		    str_eq(str_skip(tag, 1), name))
			n++;
		else if (kinds[0] == '=' && str_eq(tag, name))
			n++;
	}
	return n;
}

/* Returns true when a text has {name}. */
static bool
is_in_a_text(struct str name)
{
	size_t n;
	const struct catalogue *en = catalogues(&n);
	char placeholder[64];

	(void)snprintf(placeholder, sizeof(placeholder), "{%.*s}",
		       STR_ARG(name));
	for (size_t i = 0; i < en->n; i++) {
		if (strstr(en->v[i].text, placeholder) != NULL)
			return true;
	}
	return false;
}

START_TEST(every_value_has_a_placeholder)
{
	struct str names = template_names((enum page)_i), name;

	while (str_word(&names, &name)) {
		size_t sections = count_tags((enum page)_i, "#^", name);

		ck_assert_msg(sections + count_tags((enum page)_i, "=*", name) >
				      0 ||
				  is_in_a_text(name),
			      "%s: no placeholder shows %.*s", page_names[_i],
			      STR_ARG(name));
		ck_assert_msg(sections == count_tags((enum page)_i, "/", name),
			      "%s: {{#%.*s}} and {{/%.*s}} must both exist",
			      page_names[_i], STR_ARG(name), STR_ARG(name));
	}
}
END_TEST

START_TEST(a_browser_shows_the_file)
{
	ck_assert_ptr_nonnull(memmem(page_template((enum page)_i).p,
				     page_template((enum page)_i).n, LINK,
				     strlen(LINK)));
}
END_TEST

static struct str
write_page(enum page page, struct str value)
{
	struct html_var *vars = arena_array(arena, NAMES_MAX, sizeof(*vars));
	struct html_scope scope = { .vars = vars };
	struct str names[] = { template_names(page),
			       template_names(PAGE_FRAME) };
	const struct page_language *languages;
	struct pages *pages;
	struct buf out;
	struct str name;
	size_t n;

	ck_assert_ptr_nonnull(vars);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		while (str_word(&names[i], &name)) {
			ck_assert_uint_lt(scope.n, NAMES_MAX);
			vars[scope.n++] =
			    HTML_VALUE(arena_cstr(arena, name), value);
		}
	}
	pages = open_pages(&(struct pages_settings){ .color = STR("") });
	ck_assert_ptr_nonnull(pages);
	languages = pages_languages(pages, &n);
	ck_assert_uint_gt(n, 0);
	buf_init(&out, arena, FILE_MAX);
	pages_write(pages, page, &languages[0], &scope, &out);
	buf_add_char(&out, '\0');
	ck_assert(!buf_failed(&out));
	return buf_str(&out);
}

static size_t
count_of(struct str page, const char *what)
{
	size_t n = 0;

	for (const char *at = page.p; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

/* Each page is rendered once with all of its parts and once without them. */
START_TEST(pages_are_written)
{
	static const char *const once[] = { "<h1>",    "<title>", "<main",
					    "</main>", "<header", "<footer",
					    "</html>", "<body>",  "<html " };
	static const char *const never[] = { "{{",     "<!--",	 "<&>",
					     "style=", "<style", " onclick" };
	struct str values[] = { STR("<&>"), STR("") };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct str page = write_page((enum page)_i, values[i]);

		ck_assert(str_starts(page, STR("<!DOCTYPE html>\n")));
		for (size_t k = 0; k < ARRAY_LEN(once); k++)
			ck_assert_msg(count_of(page, once[k]) == 1,
				      "%s: not one %s", page_names[_i],
				      once[k]);
		for (size_t k = 0; k < ARRAY_LEN(never); k++)
			ck_assert_msg(count_of(page, never[k]) == 0,
				      "%s: has %s", page_names[_i], never[k]);
	}
}
END_TEST

START_TEST(language_can_be_fixed)
{
	struct pages *pages = open_pages(&(struct pages_settings){
	    .language = STR("auto"),
	});

	ck_assert_ptr_nonnull(pages);
	ck_assert_ptr_null(pages_fixed(pages));
	pages = open_pages(&(struct pages_settings){ .language = STR("en") });
	ck_assert_ptr_nonnull(pages);
	ck_assert_ptr_eq(pages_fixed(pages),
			 pages_language_of(pages, STR("en")));
	ck_assert_ptr_null(open_pages(&(struct pages_settings){
	    .language = STR("xx") }));
	ck_assert_str_eq(problems.first->text,
			 "test.ini: [pages] language: there are no pages in "
			 "xx");
}
END_TEST

/* The version of the style sheet follows the colour. */
START_TEST(color_follows_the_style)
{
	struct pages *plain = open_pages(&(struct pages_settings){
	    .color = STR(""),
	});
	struct pages *own = open_pages(&(struct pages_settings){
	    .color = STR("#f60"),
	});
	const struct page_content *before = pages_file(plain, FILE_STYLE);
	const struct page_content *after = pages_file(own, FILE_STYLE);

	ck_assert(str_starts(after->text, before->text));
	ck_assert(str_starts(str_skip(after->text, before->text.n),
			     STR(":root{--brand:#ff6600;--accent:#")));
	ck_assert(!str_eq(after->version, before->version));
	ck_assert(str_eq(pages_file(plain, FILE_PAGE)->version,
			 pages_file(own, FILE_PAGE)->version));
}
END_TEST

START_TEST(logo_is_read)
{
	struct pages *pages = open_pages(&(struct pages_settings){
	    .logo = source_path("src/pages/icon.svg"),
	});
	const struct page_logo *logo;

	ck_assert_ptr_nonnull(pages);
	logo = pages_logo(pages);
	ck_assert_ptr_nonnull(logo);
	ck_assert_str_eq(logo->file.type, "image/svg+xml");
	ck_assert(str_eq(logo->file.text, file_content("src/pages/icon.svg")));
	ck_assert(str_eq(logo->width, logo->height));
	ck_assert(str_eq(logo->file.version,
			 pages_file(pages, FILE_ICON)->version));
	pages = open_pages(&(struct pages_settings){ .logo = NULL });
	ck_assert_ptr_null(pages_logo(pages));
}
END_TEST

START_TEST(bad_logo_is_refused)
{
	static const struct {
		const char *path, *why;
	} rows[] = {
		{ "/nonexistent/logo.png",
		  "cannot open it: No such file or directory" },
		{ "/proc/self/exe", "it is larger than 65536 bytes" },
		{ "/proc", "it is a directory" },
		{ "/dev/null", "it is not a regular file" },
	};
	char text[200];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_ptr_null(open_pages(&(struct pages_settings){
		    .logo = rows[i].path }));
		(void)snprintf(text, sizeof(text),
			       "test.ini: [pages] logo: %s: %s", rows[i].path,
			       rows[i].why);
		ck_assert_str_eq(problems.first->text, text);
	}
	ck_assert_ptr_null(open_pages(&(struct pages_settings){
	    .logo = source_path("src/pages/login.html"),
	}));
	ck_assert_ptr_nonnull(strstr(problems.first->text,
				     "it is neither a PNG nor an SVG image"));
}
END_TEST

START_TEST(parts_are_found)
{
	struct template_parts parts;
	struct template_frame frame;

	ck_assert(template_split(STR("a<title>b</title>c<body>\nd</body>e"),
				 &parts));
	ck_assert(str_eq(parts.title, STR("b")));
	ck_assert(str_eq(parts.main, STR("d")));
	ck_assert(!template_split(STR("<title>b</title><body>\n"), &parts));
	ck_assert(!template_split(STR("<body>\nd</body>"), &parts));
	ck_assert(!template_split(STR(""), &parts));
	ck_assert(template_split_frame(STR("a{{title}}b{{main}}\nc"), &frame));
	ck_assert(str_eq(frame.before, STR("a")));
	ck_assert(str_eq(frame.between, STR("b")));
	ck_assert(str_eq(frame.after, STR("c")));
	ck_assert(!template_split_frame(STR("a{{main}}\nb{{title}}"), &frame));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("template");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, page_equals_its_file, 0, PAGES);
	tcase_add_test(t, files_equal_theirs);
	tcase_add_test(t, every_file_is_a_page);
	tcase_add_loop_test(t, every_placeholder_is_filled, 0, PAGES);
	tcase_add_loop_test(t, every_value_has_a_placeholder, 0, PAGE_FRAME);
	tcase_add_loop_test(t, a_browser_shows_the_file, 0, PAGE_FRAME);
	tcase_add_loop_test(t, pages_are_written, 0, PAGE_FRAME);
	tcase_add_test(t, parts_are_found);
	tcase_add_test(t, language_can_be_fixed);
	tcase_add_test(t, color_follows_the_style);
	tcase_add_test(t, logo_is_read);
	tcase_add_test(t, bad_logo_is_refused);
	return run_case(t);
}
