/* SPDX-License-Identifier: MIT */
/* The section [pages]: its options and their checks. */
#include "conf/pages.h"

#include <ctype.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/settings.h"

static int
check_page_text(const void *field, struct err *err)
{
	if (str_is_text(*(const struct str *)field))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be UTF-8 text without control characters");
}

static int
check_page_color(const void *field, struct err *err)
{
	struct str s = *(const struct str *)field;
	bool ok;

	if (str_starts(s, STR("#")))
		s = str_skip(s, 1);
	ok = s.n == 3 || s.n == 6;
	for (size_t i = 0; i < s.n; i++)
		ok = ok && isxdigit((unsigned char)s.p[i]) != 0;
	if (ok)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be three or six hexadecimal digits, such as "
		       "ff6a00");
}

static int
check_page_language(const void *field, struct err *err)
{
	struct str s = *(const struct str *)field;
	bool letters = s.n == 2;

	for (size_t i = 0; i < s.n; i++)
		letters = letters && s.p[i] >= 'a' && s.p[i] <= 'z';
	if (letters || str_eq(s, STR("auto")))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be auto or a language of two letters, such as "
		       "de");
}

const struct option pages_options[] = {
	OPTION(STR, struct pages_settings, title, .min = 1, .max = 100,
	       .check = check_page_text,
	       .help = "The name of the site, at the top of every page and in "
		       "the title of the browser's window. Empty means the "
		       "host of the request."),
	OPTION(STR, struct pages_settings, notice, .min = 1, .max = 500,
	       .check = check_page_text,
	       .help = "A text on the login page, such as who may sign in. It "
		       "is shown in all languages as it is."),
	OPTION(STR, struct pages_settings, contact, .min = 1, .max = 200,
	       .check = check_page_text,
	       .help = "Whom people may ask for help. It is shown at the foot "
		       "of every page and on refusals. An e-mail address or "
		       "an https URL becomes a link; any other text is shown "
		       "as it is."),
	OPTION(PATH, struct pages_settings, logo,
	       .help = "A file of at most 64 KiB, in the format PNG or SVG, "
		       "that is shown beside the title. It is read at the "
		       "start and at a reload."),
	OPTION(STR, struct pages_settings, color, .flags = OPTION_NOT_EMPTY,
	       .check = check_page_color,
	       .help = "A colour of the site, such as ff6a00 or f60. With a # "
		       "in front of it, the value must be in quotes. The line "
		       "at the top of every page has this colour. Links and "
		       "buttons have it, too, if they can be read then; "
		       "otherwise they have a darker shade of it, or a "
		       "brighter one in the dark theme."),
	OPTION(STR, struct pages_settings, language, .def = "auto", .min = 2,
	       .max = 4, .flags = OPTION_REQUIRED | OPTION_LOWER,
	       .check = check_page_language,
	       .help = "The language of all pages, as two letters such as de. "
		       "With auto, a person gets the language that they have "
		       "chosen on a page, which is kept in a cookie, or else "
		       "the one that their browser prefers."),
	OPTION(PATH, struct pages_settings, directory,
	       .help = "A folder with pages of your own: templates such as "
		       "login.html, style.css, page.js, icon.svg, and texts "
		       "in texts/de.txt and so on. Each file replaces the "
		       "built-in one; a file of texts may have only some of "
		       "them. The files are read at the start and at a "
		       "reload. If one of them has a mistake, the service "
		       "does not start, and a reload keeps the old pages."),
	OPTION_END,
};
