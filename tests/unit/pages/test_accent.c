/* SPDX-License-Identifier: MIT */
/* The colours derived from a colour of the site. */
#include "tests/unit/pages/pages_fixture.h"

#include "base/buf.h"
#include "pages/accent.h"

static struct accent_color
color(const char *text)
{
	struct accent_color c;

	ck_assert(accent_read(str_from(text), &c));
	return c;
}

START_TEST(colors_are_read)
{
	static const char *const refused[] = { "",	  "#",	    "#12",
					       "#1234",	  "red",    "#ggg",
					       "#12345",  "##123",  "#1234567",
					       "#12 456", "123456;" };
	struct accent_color c = color("#Ff6a00"), ignored;

	ck_assert_int_eq(c.v[0], 255);
	ck_assert_int_eq(c.v[1], 0x6a);
	ck_assert_int_eq(c.v[2], 0);
	c = color("a1f");
	ck_assert_int_eq(c.v[0], 0xaa);
	ck_assert_int_eq(c.v[1], 0x11);
	ck_assert_int_eq(c.v[2], 0xff);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		ck_assert_msg(!accent_read(str_from(refused[i]), &ignored),
			      "%s", refused[i]);
}
END_TEST

START_TEST(contrast_is_that_of_wcag)
{
	ck_assert_double_eq_tol(accent_contrast(color("000"), color("fff")), 21,
				1e-9);
	ck_assert_double_eq_tol(accent_contrast(color("fff"), color("fff")), 1,
				1e-9);
	ck_assert_double_eq_tol(accent_contrast(color("767676"), color("fff")),
				4.5422, 1e-3);
	ck_assert_double_eq_tol(accent_contrast(color("1d4f91"), color("fff")),
				8.1, 0.05);
}
END_TEST

static void
expect_contrast(struct accent_color c, const char *ground, double least)
{
	ck_assert_msg(accent_contrast(c, color(ground)) >= least,
		      "#%02x%02x%02x on %s", (unsigned)c.v[0], (unsigned)c.v[1],
		      (unsigned)c.v[2], ground);
}

START_TEST(every_color_can_be_read)
{
	for (int i = 0; i < 4096; i++) {
		const struct accent_color brand = {
			{ (i >> 8) * 17, (i >> 4 & 15) * 17, (i & 15) * 17 }
		};
		const struct accent a = accent_derive(brand);

		expect_contrast(a.light, "#fff", 5);
		expect_contrast(a.light, "#f4f4f1", 5);
		expect_contrast(a.dark, "#1b1e23", 7);
		expect_contrast(a.dark, "#121417", 7);
		/* The text on a button. */
		expect_contrast(a.light, "#fff", 5.5);
		expect_contrast(a.dark, "#10161f", 7.5);
	}
}
END_TEST

/* The grounds are those of the style sheet. */
START_TEST(grounds_are_those_of_the_style)
{
	static const char *const themes[] = {
		"--page: #f4f4f1; --card: #fff;",
		"--page: #121417; --card: #1b1e23;",
		"--accent: #1d4f91; --on-accent: #fff;",
		"--accent: #a3c8ff; --on-accent: #10161f;",
	};
	struct str style = file_content("src/pages/style.css");

	for (size_t i = 0; i < ARRAY_LEN(themes); i++)
		ck_assert_msg(memmem(style.p, style.n, themes[i],
				     strlen(themes[i])) != NULL,
			      "%s", themes[i]);
}
END_TEST

START_TEST(rules_are_written)
{
	struct buf b;

	buf_init(&b, arena, 1024);
	accent_write(STR("#ffd400"), &b);
	ck_assert(!buf_failed(&b));
	ck_assert(str_eq(buf_str(&b),
			 STR(":root{--brand:#ffd400;--accent:#7c6700;"
			     "--on-accent:#fff}\n"
			     "@media(prefers-color-scheme:dark){:root{"
			     "--accent:#ffd400;--on-accent:#10161f}}\n")));
	buf_init(&b, arena, 1024);
	accent_write(STR(""), &b);
	ck_assert_uint_eq(buf_str(&b).n, 0);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("accent");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, colors_are_read);
	tcase_add_test(t, contrast_is_that_of_wcag);
	tcase_add_test(t, every_color_can_be_read);
	tcase_add_test(t, grounds_are_those_of_the_style);
	tcase_add_test(t, rules_are_written);
	return run_case(t);
}
