/* SPDX-License-Identifier: MIT */
/* Templates of HTML, and escaping. */
#include "tests/support/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/html.h"

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(1 << 16);
	ck_assert_ptr_nonnull(arena);
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct {
	const char *text, *escaped;
} texts[] = {
	{ "", "" },
	{ "plain \xc3\xa9", "plain \xc3\xa9" },
	{ "&", "&amp;" },
	{ "&amp;", "&amp;amp;" },
	{ "</title><script>alert(1)</script>",
	  "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;" },
	{ "\" onmouseover=\"alert(1)", "&quot; onmouseover=&quot;alert(1)" },
	{ "' autofocus onfocus='alert(1)",
	  "&#39; autofocus onfocus=&#39;alert(1)" },
	{ "{{&html}}{{name}}", "{{&amp;html}}{{name}}" },
};

START_TEST(html_is_escaped)
{
	struct buf out;

	buf_init(&out, arena, 1024);
	html_escape(&out, str_from(texts[_i].text));
	ck_assert_msg(str_eq(buf_str(&out), str_from(texts[_i].escaped)),
		      "row %d: %.*s", _i, STR_ARG(buf_str(&out)));
}
END_TEST

static const struct html_var cells[] = {
	{ .name = "cell", .value = { "<1>", 3 } },
	{ .name = "mark", .value = { "x", 1 } },
	{ .name = "cell", .value = { "2", 1 } },
	{ .name = "mark", .value = { "", 0 } },
};
static const struct html_list two_rows = { cells, 2, 2 };
static const struct html_list no_rows = { cells, 2, 0 };

static const struct html_var vars[] = {
	{ .name = "name", .value = { "<a & 'b'>", 9 } },
	{ .name = "html", .value = { "<b>", 3 } },
	{ .name = "tag", .value = { "{{name}}", 8 } },
	{ .name = "empty", .value = { "", 0 } },
	{ .name = "null", .value = { NULL, 0 } },
	{ .name = "n", .value = { "2", 1 } },
	{ .name = "key", .value = { "hello", 5 } },
	{ .name = "link",
	  .value = { "a&b", 3 },
	  .markup = { "<a href=\"x\">a</a>", 17 } },
	{ .name = "rows", .list = &two_rows },
	{ .name = "none", .list = &no_rows },
};

static const struct html_var outer_vars[] = {
	{ .name = "outside", .value = { "o", 1 } },
	{ .name = "name", .value = { "hidden by the inner one", 23 } },
};
static const struct html_scope outer = { outer_vars, ARRAY_LEN(outer_vars),
					 NULL };
static const struct html_scope scope = { vars, ARRAY_LEN(vars), &outer };

/* The text of a key has the key, and shows for how many things it is. */
static struct str
find_text(const void *from, struct str key, struct str count)
{
	ck_assert_ptr_null(from);
	if (str_eq(key, STR("hello")))
		return STR("<i> {name}, {link} {missing} {");
	if (str_eq(key, STR("plural")))
		return str_eq(count, STR("2")) ? STR("two") : STR("other");
	if (str_eq(key, STR("row")))
		return STR("{cell}");
	return (struct str){ .p = NULL };
}

static const struct html_texts found = { find_text, NULL };

#define ESCAPED "&lt;a &amp; &#39;b&#39;&gt;"

static const struct {
	const char *text, *result;
} templates[] = {
	{ "", "" },
	{ "a { b } c }}", "a { b } c }}" },
	{ "{{name}}", ESCAPED },
	{ "<p title=\"{{name}}\">{{name}}</p>",
	  "<p title=\"" ESCAPED "\">" ESCAPED "</p>" },
	{ "a{{html}}b{{html}}c", "a&lt;b&gt;b&lt;b&gt;c" },
	{ "{{empty}}{{null}}", "" },
	/* A value is never read as a template. */
	{ "{{tag}}{{tag}}", "{{name}}{{name}}" },
	{ "a{{#name}}b{{/name}}c", "abc" },
	{ "a{{#empty}}b{{/empty}}c", "ac" },
	{ "a{{#null}}b{{/null}}c", "ac" },
	{ "{{#empty}}{{name}}{{#html}}x{{/html}}{{/empty}}y", "y" },
	{ "{{#empty}}{{empty}}x{{/empty}}y", "y" },
	{ "{{#html}}{{#empty}}x{{/empty}}{{html}}{{/html}}", "&lt;b&gt;" },
	{ "{{#html}}1{{/html}}{{#html}}2{{/html}}", "12" },
	{ "a{{! b {{ }}c{{!}}d", "acd" },
	{ "a\n<!--{{#name}}-->\nb\n<!--{{/name}}-->\nc", "a\nb\nc" },
	{ "a\n<!--{{#empty}}-->\nb\n<!--{{/empty}}-->\nc", "a\nc" },
	{ "a<!--{{#name}}-->b<!--{{/name}}-->\n\nc", "ab\nc" },
	{ "a<!--{{! b }}-->\nc<!--{{!}}-->", "ac" },
	/* Only half of a comment around a tag, and a comment with blanks,
	 * stay. */
	{ "<!--{{#name}}b{{/name}}-->", "<!--b-->" },
	{ "<!-- {{#name}}-->b{{/name}} -->", "<!-- -->b -->" },
	/* A comment around a value stays. */
	{ "<!--{{html}}-->\n", "<!--&lt;b&gt;-->\n" },
	{ "{{outside}}{{unknown}}", "o" },
	/* Sections that are shown without a value. */
	{ "a{{^empty}}b{{/empty}}c", "abc" },
	{ "a{{^name}}b{{/name}}c", "ac" },
	{ "a{{^unknown}}b{{/unknown}}c", "abc" },
	{ "a{{^none}}b{{/none}}c{{^rows}}d{{/rows}}", "abc" },
	/* Lists. */
	{ "{{#rows}}({{cell}}{{#mark}}!{{/mark}}{{outside}}){{/rows}}",
	  "(&lt;1&gt;!o)(2o)" },
	{ "{{#none}}x{{/none}}", "" },
	{ "{{#rows}}{{:row}},{{/rows}}", "<bdi>&lt;1&gt;</bdi>,<bdi>2</bdi>," },
	{ "{{#rows}}{{#rows2}}x{{/rows2}}y{{/rows}}", "yy" },
	/* Texts. */
	{ "<p>{{:hello}}</p>",
	  "<p>&lt;i&gt; <bdi>" ESCAPED "</bdi>, <bdi><a href=\"x\">a</a></bdi> "
	  "{missing} {</p>" },
	{ "<p title=\"{{:hello}}\">",
	  "<p title=\"&lt;i&gt; " ESCAPED ", a&amp;b {missing} {\">" },
	{ "{{:plural}}", "two" },
	{ "{{:absent}}{{*empty}}{{*unknown}}", "" },
	{ "<p title=\"{{*key}}\">",
	  "<p title=\"&lt;i&gt; " ESCAPED ", a&amp;b {missing} {\">" },
	/* A template that is not complete. */
	{ "a{{#name}}b", "ab" },
	{ "a{{name", "a" },
};

START_TEST(template_is_filled)
{
	struct buf out;

	buf_init(&out, arena, 1024);
	html_template(&out, str_from(templates[_i].text), &scope, &found,
		      false);
	ck_assert_msg(str_eq(buf_str(&out), str_from(templates[_i].result)),
		      "row %d: %.*s", _i, STR_ARG(buf_str(&out)));
}
END_TEST

START_TEST(plain_text_has_no_elements)
{
	struct buf out;

	buf_init(&out, arena, 1024);
	html_template(&out, STR("{{:hello}}"), &scope, &found, true);
	ck_assert(str_eq(buf_str(&out),
			 STR("&lt;i&gt; " ESCAPED ", a&amp;b {missing} {")));
}
END_TEST

START_TEST(template_without_texts_is_written)
{
	struct buf out;

	buf_init(&out, arena, 1024);
	html_template(&out, STR("a{{:hello}}b"), &scope, NULL, false);
	ck_assert(str_eq(buf_str(&out), STR("ab")));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("html");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, html_is_escaped, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(t, template_is_filled, 0, ARRAY_LEN(templates));
	tcase_add_test(t, plain_text_has_no_elements);
	tcase_add_test(t, template_without_texts_is_written);
	return run_case(t);
}
