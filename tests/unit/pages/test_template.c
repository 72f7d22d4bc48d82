/* SPDX-License-Identifier: MIT */
/* The files of src/pages, and the pages rendered from them. */
#include "tests/support/run.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/html.h"
#include "pages/template.h"

#define FILE_MAX  (64 * 1024)
#define NAMES_MAX 16
#define LINK	  "<link rel=\"stylesheet\" href=\"style.css\">"

static const char *const files[PAGES] = {
	[PAGE_CONTINUE] = "continue.html",
	[PAGE_FORBIDDEN] = "forbidden.html",
	[PAGE_LOGIN] = "login.html",
	[PAGE_LOGOUT] = "logout.html",
	[PAGE_MESSAGE] = "message.html",
	[PAGE_SIGNED_OUT] = "signed_out.html",
	[PAGE_TOO_LONG] = "too_long.html",
	[PAGE_UNSENT] = "unsent.html",
};

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(1 << 20);
	ck_assert_ptr_nonnull(arena);
}

static void
teardown(void)
{
	arena_free(arena);
}

static const char *
folder(char *path, size_t size)
{
	const char *srcdir = getenv("srcdir");

	(void)snprintf(path, size, "%s/src/pages",
		       srcdir != NULL ? srcdir : ".");
	return path;
}

static void
must_be_file(struct str text, const char *name)
{
	char path[512], full[600];
	char *content = arena_alloc(arena, FILE_MAX);
	FILE *in;
	size_t n;

	(void)snprintf(full, sizeof(full), "%s/%s", folder(path, sizeof(path)),
		       name);
	in = fopen(full, "re");
	ck_assert_msg(in != NULL, "cannot open %s", full);
	ck_assert_ptr_nonnull(content);
	n = fread(content, 1, FILE_MAX, in);
	ck_assert_int_eq(fclose(in), 0);
	ck_assert_msg(str_eq(text, (struct str){ .p = content, .n = n }),
		      "the page differs from %s", name);
}

START_TEST(page_equals_its_file)
{
	must_be_file(template_text((enum page)_i), files[_i]);
}
END_TEST

START_TEST(style_equals_its_file)
{
	must_be_file(template_style(), "style.css");
	/* No '<' of the style sheet can end the <style> element. */
	ck_assert_ptr_null(strchr(template_style().p, '<'));
}
END_TEST

START_TEST(every_file_is_a_page)
{
	char path[512];
	DIR *dir = opendir(folder(path, sizeof(path)));
	struct dirent *entry;
	size_t n = 0;

	ck_assert_msg(dir != NULL, "cannot open %s", path);
	while ((entry = readdir(dir)) != NULL)
		n += str_ends(str_from(entry->d_name), STR(".html")) ? 1 : 0;
	ck_assert_int_eq(closedir(dir), 0);
	ck_assert_uint_eq(n, PAGES);
}
END_TEST

static bool
holds_tag(const char *text, const char *before, const char *name)
{
	char tag[64];

	(void)snprintf(tag, sizeof(tag), "{{%s%s}}", before, name);
	return strstr(text, tag) != NULL;
}

static bool
is_filled(enum page page, const char *name)
{
	const char *const *known = template_names(page);

	while (*known != NULL && strcmp(*known, name) != 0)
		known++;
	return *known != NULL;
}

START_TEST(every_placeholder_is_filled)
{
	const char *at = template_text((enum page)_i).p;

	while ((at = strstr(at, "{{")) != NULL) {
		char name[64];

		at += 2;
		if (*at == '!')
			continue;
		at += *at == '#' || *at == '/' ? 1 : 0;
		ck_assert_int_eq(sscanf(at, "%63[a-z_]", name), 1);
		ck_assert_int_eq(strncmp(at + strlen(name), "}}", 2), 0);
		ck_assert_msg(is_filled((enum page)_i, name),
			      "%s: nothing fills in {{%s}}", files[_i], name);
	}
}
END_TEST

START_TEST(every_value_has_a_placeholder)
{
	const char *text = template_text((enum page)_i).p;

	for (const char *const *name = template_names((enum page)_i);
	     *name != NULL; name++) {
		bool section = holds_tag(text, "#", *name);

		ck_assert_msg(section || holds_tag(text, "", *name),
			      "%s: no placeholder shows %s", files[_i], *name);
		ck_assert_msg(section == holds_tag(text, "/", *name),
			      "%s: {{#%s}} and {{/%s}} must both exist",
			      files[_i], *name, *name);
	}
}
END_TEST

static struct str
write_page(enum page page, struct str value)
{
	struct html_var vars[NAMES_MAX];
	const char *const *names = template_names(page);
	struct buf out;
	size_t n = 0;

	for (; names[n] != NULL; n++)
		vars[n] = (struct html_var){ names[n], value };
	buf_init(&out, arena, FILE_MAX);
	template_write(&out, page, vars, n);
	buf_add_char(&out, '\0');
	ck_assert(!buf_failed(&out));
	return buf_str(&out);
}

/* Each page is rendered once with all of its parts and once without them. */
START_TEST(pages_are_written)
{
	struct str values[] = { STR("<&>"), STR("") };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct str page = write_page((enum page)_i, values[i]);
		const char *style = strstr(page.p, "<style>");

		ck_assert(str_starts(page, STR("<!DOCTYPE html>\n")));
		ck_assert_ptr_null(strstr(page.p, "{{"));
		ck_assert_ptr_null(strstr(page.p, "<!--"));
		ck_assert_ptr_null(strstr(page.p, LINK));
		ck_assert_ptr_null(strstr(page.p, "<&>"));
		ck_assert_ptr_nonnull(style);
		style += strlen("<style>");
		ck_assert(str_starts(str_from(style), template_style()));
		style += template_style().n;
		ck_assert(str_starts(str_from(style), STR("</style>\n")));
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("template");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, page_equals_its_file, 0, PAGES);
	tcase_add_test(t, style_equals_its_file);
	tcase_add_test(t, every_file_is_a_page);
	tcase_add_loop_test(t, every_placeholder_is_filled, 0, PAGES);
	tcase_add_loop_test(t, every_value_has_a_placeholder, 0, PAGES);
	tcase_add_loop_test(t, pages_are_written, 0, PAGES);
	return run_case(t);
}
