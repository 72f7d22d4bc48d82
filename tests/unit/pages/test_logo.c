/* SPDX-License-Identifier: MIT */
/* Which files are logos, and their sizes. */
#include "tests/support/run.h"

#include "base/str.h"
#include "pages/logo.h"

#define PNG(width, height) "\x89PNG\r\n\x1a\n\0\0\0\rIHDR" width height "\x08"
#define SVG		   "image/svg+xml"

static const struct {
	struct str content;
	const char *type; /* NULL: not a logo */
	unsigned width, height;
} rows[] = {
	{ { PNG("\0\0\1\2", "\0\0\0\x10"), 25 }, "image/png", 258, 16 },
	{ { PNG("\0\0\0\0", "\0\0\0\x10"), 25 }, "image/png", 0, 0 },
	{ { PNG("\xff\0\0\0", "\0\0\0\x10"), 25 }, "image/png", 0, 0 },
	{ { PNG("\0\0\1\2", "\0\0\0\x10"), 23 }, NULL, 0, 0 },
	{ { "GIF89a\1\0\1\0 and so on, and so on", 32 }, NULL, 0, 0 },
	{ { "", 0 }, NULL, 0, 0 },
};

static const struct {
	const char *content, *type;
	unsigned width, height;
} texts[] = {
	{ "<svg width=\"40\" height='20px'/>", SVG, 40, 20 },
	{ "<svg\n viewBox = \"0 0 30.5 10\"></svg>", SVG, 30, 10 },
	{ "<svg viewBox='-5,-5 , 30,10' width='100%' height='1em'>", SVG, 30,
	  10 },
	{ "<svg width='10' viewBox='0 0 30 10'>", SVG, 30, 10 },
	{ "<svg stroke-width='3' height='4' viewBox='0 0 9 8'>", SVG, 9, 8 },
	{ "<svg viewBox='0 0 30'>", SVG, 0, 0 },
	{ "<svg viewBox='0 0 30 10 x'>", SVG, 0, 0 },
	{ "<svg width='999999' height='2'>", SVG, 0, 0 },
	{ "<svg width='", NULL, 0, 0 },
	{ "<svg width=>", SVG, 0, 0 },
	{ "<svg width>", SVG, 0, 0 },
	{ "<svg>", SVG, 0, 0 },
	{ "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- a > b --> <!DOCTYPE svg>"
	  "<svg width='4' height='3'>",
	  SVG, 4, 3 },
	{ "<!DOCTYPE svg [ <!ENTITY a \"<b>\"> ]><svg>", SVG, 0, 0 },
	{ "<!-- <svg>", NULL, 0, 0 },
	{ "<?xml", NULL, 0, 0 },
	{ "<!DOCTYPE html><html><svg>", NULL, 0, 0 },
	{ "<svgs>", NULL, 0, 0 },
	{ "<svg", NULL, 0, 0 },
	{ "<html>", NULL, 0, 0 },
	{ "<svg>\xff", NULL, 0, 0 },
};

static void
expect(struct str content, const char *type, unsigned width, unsigned height)
{
	struct logo logo;
	bool found = logo_recognise(content, &logo);

	ck_assert_msg(found == (type != NULL), "%.*s", STR_ARG(content));
	if (!found)
		return;
	ck_assert_str_eq(logo.type, type);
	ck_assert_msg(logo.width == width && logo.height == height,
		      "%.*s: %ux%u", STR_ARG(content), logo.width, logo.height);
}

START_TEST(logos_are_recognised)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].content, rows[i].type, rows[i].width,
		       rows[i].height);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		expect(str_from(texts[i].content), texts[i].type,
		       texts[i].width, texts[i].height);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("logo");

	tcase_add_test(t, logos_are_recognised);
	return run_case(t);
}
