/* SPDX-License-Identifier: MIT */
/* Recognises PNG (W3C PNG, section 5) and SVG, and finds their sizes. */
#include "pages/logo.h"

#include <string.h>

#include "base/str.h"

#define SIDE_MAX 100000

/* The signature, and the beginning of the first chunk, which has the size. */
#define PNG_BEGIN  STR("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
#define PNG_HEADER 24

static uint32_t
big_endian(const char *p)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

static void
set_size(struct logo *logo, uint32_t width, uint32_t height)
{
	if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX)
		return;
	logo->width = width;
	logo->height = height;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str
skip_spaces(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_skip(s, 1);
	return s;
}

/* Removes the text up to the end of `what` from *s; false: it has none. */
static bool
skip_past(struct str *s, const char *what)
{
	size_t n = strlen(what);
	const char *at = s->n > 0 ? memmem(s->p, s->n, what, n) : NULL;

	if (at == NULL)
		return false;
	*s = str_skip(*s, (size_t)(at - s->p) + n);
	return true;
}

/* Skips an XML declaration, comments and a document type. Returns false when
 * one of them has no end. */
static bool
skip_prolog(struct str *s)
{
	for (;;) {
		bool ok;

		*s = skip_spaces(*s);
		if (str_starts(*s, STR("<?")))
			ok = skip_past(s, "?>");
		else if (str_starts(*s, STR("<!--")))
			ok = skip_past(s, "-->");
		else if (str_starts(*s, STR("<!DOCTYPE")))
			ok =
			    skip_past(s, str_find(*s, '[') < str_find(*s, '>') ?
					     "]>" :
					     ">");
		else
			return true;
		if (!ok)
			return false;
	}
}

/* Sets *out to the value of an attribute of a tag; empty when it has none. */
static void
attribute_of(struct str tag, struct str name, struct str *out)
{
	*out = STR("");
	while (skip_past(&tag, name.p)) {
		struct str rest = skip_spaces(tag);
		size_t end;

		if (!is_space(tag.p[-1 - (ptrdiff_t)name.n]) ||
		    !str_starts(rest, STR("=")))
			continue;
		rest = skip_spaces(str_skip(rest, 1));
		if (rest.n == 0 || (rest.p[0] != '"' && rest.p[0] != '\''))
			continue;
		end = str_find(str_skip(rest, 1), rest.p[0]);
		*out = (struct str){ .p = rest.p + 1, .n = end };
		return;
	}
}

/* Reads a number, rounded down, from the beginning of *s; 0: there is none. */
static uint32_t
take_number(struct str *s)
{
	uint32_t n = 0;

	while (s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9' && n <= SIDE_MAX) {
		n = n * 10 + (uint32_t)(s->p[0] - '0');
		*s = str_skip(*s, 1);
	}
	if (!str_starts(*s, STR(".")))
		return n;
	do
		*s = str_skip(*s, 1);
	while (s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9');
	return n;
}

/* Returns a length in pixels; 0: it is in another unit. */
static uint32_t
length_of(struct str tag, struct str name)
{
	struct str value;
	uint32_t n;

	attribute_of(tag, name, &value);
	n = take_number(&value);
	return value.n == 0 || str_eq(value, STR("px")) ? n : 0;
}

static void
set_svg_size(struct logo *logo, struct str tag)
{
	struct str box;
	uint32_t v[4];

	set_size(logo, length_of(tag, STR("width")),
		 length_of(tag, STR("height")));
	if (logo->width > 0)
		return;
	attribute_of(tag, STR("viewBox"), &box);
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		while (box.n > 0 && (is_space(box.p[0]) || box.p[0] == ',' ||
				     box.p[0] == '-'))
			box = str_skip(box, 1);
		v[i] = take_number(&box);
	}
	if (box.n == 0)
		set_size(logo, v[2], v[3]);
}

static bool
recognise_svg(struct str s, struct logo *out)
{
	size_t end;

	if (!str_is_utf8(s))
		return false;
	s = str_skip_bom(s);
	if (!skip_prolog(&s) || !str_starts(s, STR("<svg")))
		return false;
	s = str_skip(s, strlen("<svg"));
	end = str_find(s, '>');
	if (end == s.n || (!is_space(s.p[0]) && s.p[0] != '>'))
		return false;
	*out = (struct logo){ .type = "image/svg+xml" };
	set_svg_size(out, (struct str){ .p = s.p, .n = end });
	return true;
}

bool
logo_recognise(struct str content, struct logo *out)
{
	if (content.n < PNG_HEADER || !str_starts(content, PNG_BEGIN))
		return recognise_svg(content, out);
	*out = (struct logo){ .type = "image/png" };
	set_size(out, big_endian(content.p + PNG_BEGIN.n),
		 big_endian(content.p + PNG_BEGIN.n + 4));
	return true;
}
