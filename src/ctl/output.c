/* SPDX-License-Identifier: MIT */
/* Columns and JSON on stdout. */
#include "ctl/output.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#define CELL_MAX (64 * 1024)

/* Returns the number of bytes of the first character of s if it can be shown,
 * else 0. */
static size_t
printable(struct str s, size_t *columns)
{
	mbstate_t state;
	wchar_t wc = 0;
	size_t n;
	int width;

	memset(&state, 0, sizeof(state));
	n = mbrtowc(&wc, s.p, s.n, &state);
	if (n == 0 || n > s.n)
		return 0;
	/* A character without a column (control, bidi, joiner) can only
	 * deceive. */
	width = wcwidth(wc);
	if (width <= 0)
		return 0;
	*columns = (size_t)width;
	return n;
}

size_t
output_escape(struct buf *out, struct str s)
{
	size_t total = 0;

	while (s.n > 0) {
		size_t columns = 0, n = printable(s, &columns);

		if (n == 0) {
			buf_printf(out, "\\x%02x", (unsigned char)s.p[0]);
			n = 1;
			columns = 4;
		} else if (s.p[0] == '\\') {
			buf_add_cstr(out, "\\\\");
			columns = 2;
		} else {
			buf_add(out, (struct str){ .p = s.p, .n = n });
		}
		total += columns;
		s = str_skip(s, n);
	}
	return total;
}

struct str
output_time(struct arena *a, int64_t seconds)
{
	time_t wall = (time_t)seconds;
	char text[48];
	struct str out = STR("?");
	struct tm tm;

	if (seconds == 0)
		return STR("-");
	if (gmtime_r(&wall, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0 ||
	    arena_copy(a, str_from(text), &out) != 0)
		return STR("?");
	return out;
}

void
table_init(struct table *t, struct arena *a, const char *const *heads,
	   size_t columns)
{
	struct str cells[TABLE_COLUMNS];

	*t = (struct table){ .arena = a, .columns = columns };
	t->last = &t->first;
	for (size_t i = 0; heads != NULL && i < columns; i++)
		cells[i] = str_from(heads[i]);
	if (heads != NULL)
		table_add(t, cells);
}

void
table_add(struct table *t, const struct str *cells)
{
	struct table_row *row = arena_alloc(t->arena, sizeof(*row));

	if (row == NULL) {
		t->failed = true;
		return;
	}
	for (size_t i = 0; i < t->columns; i++) {
		struct table_cell *cell = &row->cells[i];
		struct buf text;

		buf_init(&text, t->arena, CELL_MAX);
		cell->width =
		    output_escape(&text, cells[i].n == 0 ? STR("-") : cells[i]);
		if (buf_failed(&text))
			t->failed = true;
		cell->text = buf_str(&text);
	}
	*t->last = row;
	t->last = &row->next;
}

int
table_print(const struct table *t)
{
	size_t widths[TABLE_COLUMNS] = { 0 };

	if (t->failed)
		return -1;
	for (const struct table_row *r = t->first; r != NULL; r = r->next) {
		for (size_t i = 0; i < t->columns; i++) {
			if (r->cells[i].width > widths[i])
				widths[i] = r->cells[i].width;
		}
	}
	for (const struct table_row *r = t->first; r != NULL; r = r->next) {
		for (size_t i = 0; i < t->columns; i++) {
			bool last = i + 1 == t->columns;
			size_t pad = widths[i] - r->cells[i].width;

			(void)printf("%.*s%*s", STR_ARG(r->cells[i].text),
				     last ? 0 : (int)pad + 2, "");
		}
		(void)putchar('\n');
	}
	return 0;
}

json_t *
output_json_text(struct arena *a, struct str s)
{
	struct buf text;

	if (s.n == 0 || str_is_utf8(s))
		return json_stringn(s.n == 0 ? "" : s.p, s.n);
	buf_init(&text, a, CELL_MAX);
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x80)
			buf_add_char(&text, s.p[i]);
		else
			buf_add(&text, STR("\xef\xbf\xbd"));
	}
	s = buf_str(&text);
	return buf_failed(&text) ? NULL : json_stringn(s.p, s.n);
}

json_t *
output_json_roles(struct arena *a, struct str roles)
{
	json_t *array = json_array();
	struct str role;

	while (roles.n > 0 && str_cut(&roles, ',', &role)) {
		json_t *text = output_json_text(a, role);

		if (json_array_append_new(array, text) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* Escapes DEL, the one control character that jansson leaves as it is; it can
 * only be inside a string. */
static int
write_json(const char *p, size_t n, void *out)
{
	for (size_t i = 0; i < n; i++) {
		int written =
		    p[i] == '\x7f' ? fputs("\\u007f", out) : putc(p[i], out);

		if (written == EOF)
			return -1;
	}
	return 0;
}

static int
output_print_json(json_t *root, size_t form)
{
	if (root == NULL)
		return -1;
	/* main() checks the state of stdout. */
	(void)json_dump_callback(root, write_json, stdout,
				 form | JSON_ENSURE_ASCII);
	(void)putchar('\n');
	json_decref(root);
	return 0;
}

int
output_json(json_t *root)
{
	return output_print_json(root, JSON_INDENT(2));
}

int
output_json_line(json_t *root)
{
	return output_print_json(root, JSON_COMPACT);
}
