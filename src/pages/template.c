/* SPDX-License-Identifier: MIT */
/* The files of this folder, and the names of their placeholders. */
#include "pages/template.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "http/html.h"

#define NAMES_MAX 8

/* The line by which a browser that opens the file of a page loads the style
 * sheet. */
#define STYLE_LINK "<link rel=\"stylesheet\" href=\"style.css\">"

static const struct {
	const char *text;
} files[PAGES] = {
#include "pages/pages.inc"
};

static const char *const style[] = {
#include "pages/style.inc"
};

static const char *const names[PAGES][NAMES_MAX + 1] = {
	[PAGE_CONTINUE] = { "uri" },
	[PAGE_FORBIDDEN] = { "path", "name", "account", "elsewhere" },
	[PAGE_LOGIN] = { "csrf", "rd", "username", "problem", "offer_remember",
			 "remember", "ask_name", "ask_password" },
	[PAGE_LOGOUT] = { "path", "csrf", "name" },
	[PAGE_MESSAGE] = { "title", "text", "login", "path" },
	[PAGE_SIGNED_OUT] = { "path" },
	[PAGE_TOO_LONG] = { "login_url" },
	[PAGE_UNSENT] = { "login_url", "foreign" },
};

struct str
template_text(enum page page)
{
	return str_from(files[page].text);
}

struct str
template_style(void)
{
	return str_from(style[0]);
}

const char *const *
template_names(enum page page)
{
	return names[page];
}

void
template_write(struct buf *out, enum page page, const struct html_var *vars,
	       size_t n)
{
	const char *text = files[page].text;
	const char *link = strstr(text, STYLE_LINK);

	assert(link != NULL);
	for (size_t i = 0; i < n; i++) {
		assert(names[page][i] != NULL &&
		       strcmp(names[page][i], vars[i].name) == 0);
	}
	assert(names[page][n] == NULL);
	html_template(out,
		      (struct str){ .p = text, .n = (size_t)(link - text) },
		      vars, n);
	buf_add(out, STR("<style>"));
	buf_add(out, template_style());
	buf_add(out, STR("</style>"));
	html_template(out, str_from(link + strlen(STYLE_LINK)), vars, n);
}
