/* SPDX-License-Identifier: MIT */
/* The embedded files, and the names that the templates use. */
#include "pages/template.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define LINES_MAX 400
#define FILE_MAX  (64 * 1024)

/* The files as lines without their newlines, because the length of a C string
 * is limited; with NULL at the end. */
static const char *const templates[PAGES][LINES_MAX + 1] = {
#include "pages/pages.inc"
};

static const char *const files[PAGE_FILES][LINES_MAX + 1] = {
#include "pages/files.inc"
};

static const char *const file_names[PAGES] = {
#include "pages/names.inc"
};

static const char *const names[PAGES] = {
	[PAGE_ACCOUNT] = "csrf user full_name email has_roles roles role comma "
			 "has_apps apps app app_host url has_sessions sessions "
			 "id device address seen n date own others more "
			 "may_change consequence wrong refused problems reason "
			 "done",
	[PAGE_CONTINUE] = "uri",
	[PAGE_FORGOT] = "csrf rd heading problem by_email sent query",
	[PAGE_LOGIN] = "csrf rd username place notice problem invalid ask_name "
		       "ask_password offer_remember remember step done forgot "
		       "query",
	[PAGE_LOGOUT] = "csrf user",
	[PAGE_NEW_PASSWORD] = "csrf heading lead user open username "
			      "roles n problems reason bad_name bad_password "
			      "submit ticket rd",
	[PAGE_REFUSAL] = "heading lead text advice n origin user quote "
			 "address buttons again login start other",
	[PAGE_SIGNED_OUT] = "",
	[PAGE_TOO_LONG] = "login",
	[PAGE_UNSENT] = "login place foreign",
	[PAGE_FRAME] = "path host site contact lang dir language choose "
		       "languages tag name current keep style script icon "
		       "logo logo_width logo_height request problem",
};

static int
join_lines(const char *const *lines, struct arena *a, struct str *out,
	   struct err *err)
{
	struct buf b;

	buf_init(&b, a, FILE_MAX);
	for (size_t i = 0; lines[i] != NULL; i++) {
		buf_add_cstr(&b, lines[i]);
		buf_add_char(&b, '\n');
	}
	if (buf_failed(&b))
		return err_nomem(err);
	*out = buf_str(&b);
	return 0;
}

int
template_text(enum page page, struct arena *a, struct str *out, struct err *err)
{
	return join_lines(templates[page], a, out, err);
}

int
template_file(enum page_file file, struct arena *a, struct str *out,
	      struct err *err)
{
	return join_lines(files[file], a, out, err);
}

const char *
template_file_name(enum page page)
{
	return file_names[page];
}

struct str
template_names(enum page page)
{
	return str_from(names[page]);
}

static bool
has_word(struct str list, struct str name)
{
	struct str word;

	while (str_word(&list, &word)) {
		if (str_eq(word, name))
			return true;
	}
	return false;
}

bool
template_has_name(enum page page, struct str name)
{
	return has_word(template_names(page), name) ||
	       has_word(template_names(PAGE_FRAME), name);
}

/* Sets *out to what is between two texts, and returns false when they do not
 * occur in this order. *rest begins after `end` then. */
static bool
take_between(struct str *rest, struct str begin, struct str end,
	     struct str *out)
{
	const char *from = memmem(rest->p, rest->n, begin.p, begin.n), *to;
	struct str after;

	if (from == NULL)
		return false;
	after = str_skip(*rest, (size_t)(from - rest->p) + begin.n);
	to = memmem(after.p, after.n, end.p, end.n);
	if (to == NULL)
		return false;
	*out = (struct str){ .p = after.p, .n = (size_t)(to - after.p) };
	*rest = str_skip(after, out->n + end.n);
	return true;
}

bool
template_split(struct str text, struct template_parts *out)
{
	struct template_parts parts;

	if (!take_between(&text, STR("<title>"), STR("</title>"),
			  &parts.title) ||
	    !take_between(&text, STR("<body>\n"), STR("</body>"), &parts.main))
		return false;
	*out = parts;
	return true;
}

bool
template_split_frame(struct str text, struct template_frame *out)
{
	struct template_frame frame;

	if (!take_between(&text, STR(""), STR("{{title}}"), &frame.before) ||
	    !take_between(&text, STR(""), STR("{{main}}\n"), &frame.between))
		return false;
	frame.after = text;
	*out = frame;
	return true;
}
