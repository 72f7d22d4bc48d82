/* SPDX-License-Identifier: MIT */
/* Derives colours that can be read. */
#include "pages/accent.h"

#include "base/buf.h"
#include "base/str.h"

#define STEPS	    64
#define LEAST_LIGHT 5.0
#define LEAST_DARK  7.0

static const struct accent_color black = { { 0, 0, 0 } };
static const struct accent_color white = { { 255, 255, 255 } };

/* --card and --page of style.css in the two themes. */
#define GROUNDS 2
static const struct accent_color light_grounds[GROUNDS] = {
	{ { 0xff, 0xff, 0xff } },
	{ { 0xf4, 0xf4, 0xf1 } },
};
static const struct accent_color dark_grounds[GROUNDS] = {
	{ { 0x1b, 0x1e, 0x23 } },
	{ { 0x12, 0x14, 0x17 } },
};

/* Returns the value of a hexadecimal digit, or -1. */
static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
accent_read(struct str text, struct accent_color *out)
{
	struct accent_color c;
	size_t width;

	if (str_starts(text, STR("#")))
		text = str_skip(text, 1);
	width = text.n / 3;
	if (text.n != 3 && text.n != 6)
		return false;
	for (size_t i = 0; i < 3; i++) {
		int high = digit_of(text.p[i * width]);
		int low = digit_of(text.p[i * width + width - 1]);

		if (high < 0 || low < 0)
			return false;
		c.v[i] = high * 16 + low;
	}
	*out = c;
	return true;
}

/* Returns a part of sRGB as an amount of light. The power of 2.4 is the
 * twelfth one of the fifth root, which Newton's method finds. */
static double
linear_of(int part)
{
	double x = part / 255.0, root = 1;

	if (x <= 0.04045)
		return x / 12.92;
	x = (x + 0.055) / 1.055;
	for (int i = 0; i < 32; i++) {
		double fourth = root * root * root * root;

		root -= (root * fourth - x) / (5 * fourth);
	}
	x = root * root * root;
	return x * x * x * x;
}

static double
luminance_of(struct accent_color c)
{
	return 0.2126 * linear_of(c.v[0]) + 0.7152 * linear_of(c.v[1]) +
	       0.0722 * linear_of(c.v[2]);
}

double
accent_contrast(struct accent_color a, struct accent_color b)
{
	double x = luminance_of(a) + 0.05, y = luminance_of(b) + 0.05;

	return x > y ? x / y : y / x;
}

static bool
accent_is_readable(struct accent_color c, const struct accent_color *grounds,
		   double least)
{
	for (size_t i = 0; i < GROUNDS; i++) {
		if (accent_contrast(c, grounds[i]) < least)
			return false;
	}
	return true;
}

/* Returns the first step from c towards another colour that can be read; the
 * last step is that colour. */
static struct accent_color
readable(struct accent_color c, struct accent_color to,
	 const struct accent_color *grounds, double least)
{
	struct accent_color now = c;

	for (int i = 1; i <= STEPS && !accent_is_readable(now, grounds, least);
	     i++) {
		for (size_t k = 0; k < 3; k++)
			now.v[k] =
			    (c.v[k] * (STEPS - i) + to.v[k] * i + STEPS / 2) /
			    STEPS;
	}
	return now;
}

struct accent
accent_derive(struct accent_color brand)
{
	return (struct accent){
		.light = readable(brand, black, light_grounds, LEAST_LIGHT),
		.dark = readable(brand, white, dark_grounds, LEAST_DARK),
	};
}

static void
write_color(struct accent_color c, struct buf *out)
{
	buf_printf(out, "#%02x%02x%02x", (unsigned)c.v[0], (unsigned)c.v[1],
		   (unsigned)c.v[2]);
}

void
accent_write(struct str text, struct buf *out)
{
	struct accent_color brand;
	struct accent a;

	if (!accent_read(text, &brand))
		return;
	a = accent_derive(brand);
	buf_add_cstr(out, ":root{--brand:");
	write_color(brand, out);
	buf_add_cstr(out, ";--accent:");
	write_color(a.light, out);
	buf_add_cstr(out, ";--on-accent:#fff}\n"
			  "@media(prefers-color-scheme:dark){:root{--accent:");
	write_color(a.dark, out);
	buf_add_cstr(out, ";--on-accent:#10161f}}\n");
}
