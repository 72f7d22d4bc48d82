/* SPDX-License-Identifier: MIT */
/* Prints option tables and the structs they filled: as INI, as mdoc and as
 * lists of names. */
#include "conf/settings.h"

#include <string.h>

#include "base/buf.h"
#include "conf/sections.h"

static const struct settings_choice *
choice_of(const struct settings *s, const struct tables_selector *selector)
{
	return (const struct settings_choice *)((const char *)s +
						selector->choice);
}

static void
dump_line(const char *key, struct str value, struct buf *out)
{
	buf_printf(out, "%s =%s", key, value.n > 0 ? " " : "");
	buf_add(out, value);
	buf_add_char(out, '\n');
}

static void
dump_options(const struct option *table, const void *base, struct buf *out)
{
	for (const struct option *o = table; o != NULL && o->name != NULL;
	     o++) {
		struct buf value;

		if ((o->flags & OPTION_NOT_EMPTY) != 0 &&
		    option_is_empty(o, base))
			continue;
		buf_init(&value, out->arena, out->max);
		option_print(o, base, &value);
		dump_line(o->name, buf_str(&value), out);
		out->failed = out->failed || buf_failed(&value);
	}
}

static void
dump_choice(const struct settings_choice *c, struct buf *out)
{
	dump_options(c->driver->options, c->conf, out);
}

static void
dump_named(const struct tables_section *t, struct str name, const void *base,
	   struct buf *out)
{
	buf_printf(out, "\n[%s %.*s]\n", t->name, STR_ARG(name));
	dump_options(t->options, base, out);
}

/* Dumps the sections of one kind with names: the rules or the links. */
static void
dump_all_named(const struct settings *s, const struct tables_section *t,
	       struct buf *out)
{
	const bool rules = strcmp(t->name, "rule") == 0;

	for (size_t i = 0; rules && i < s->rules.n; i++)
		dump_named(t, s->rules.v[i].name, &s->rules.v[i], out);
	for (size_t i = 0; !rules && i < s->links.n; i++)
		dump_named(t, s->links.v[i].name, &s->links.v[i], out);
}

void
settings_dump(const struct settings *s, struct buf *out)
{
	for (size_t i = 0; i < tables_nsections; i++) {
		const struct tables_section *t = &tables_sections[i];
		const struct settings_choice *c;

		if (t->named) {
			dump_all_named(s, t, out);
			continue;
		}
		for (size_t k = 0; t->modes_first && k < s->nmodes; k++) {
			buf_printf(out, "\n[%s]\n", s->modes[k].driver->name);
			dump_choice(&s->modes[k], out);
		}
		buf_printf(out, "%s[%s]\n", i > 0 ? "\n" : "", t->name);
		if (t->selector != NULL) {
			c = choice_of(s, t->selector);
			dump_line(t->selector->key, str_from(c->driver->name),
				  out);
			if (!t->selector->own_section)
				dump_choice(c, out);
		}
		dump_options(t->options, (const char *)s + t->offset, out);
	}
}

/* mdoc: `\\&` after a header prevents its bracket from being treated as
 * punctuation. */
#define MAN_WIDTH 76

/*
 * The placeholder for a value of each type, and the name and unit of its range.
 */
static const struct {
	const char *value, *range, *of;
} types[] = {
	[OPT_BOOL] = { "yes | no", NULL, NULL },
	[OPT_INT] = { "number", "Range", "" },
	[OPT_SECONDS] = { "duration", "Range", "" },
	[OPT_MS] = { "duration", "Range", "" },
	[OPT_BYTES] = { "size", "Range", "" },
	[OPT_MODE] = { "mode", "Range", "" },
	[OPT_STR] = { "text", "Length", " bytes" },
	[OPT_PATH] = { "file", NULL, NULL },
	[OPT_SECRET] = { "text", "Length", " bytes" },
	[OPT_WORDS] = { "words", "Number", " words" },
	[OPT_ENUM] = { "word", NULL, NULL },
};

/* Prints a character of a text. In mdoc, a backslash begins an escape. */
static void
man_char(char c, struct buf *out)
{
	if (c == '\\')
		buf_add_cstr(out, "\\e");
	else
		buf_add_char(out, c);
}

/* Prints in quotes, so that no word of it is a macro. */
static void
man_quoted(const char *s, struct buf *out)
{
	buf_add_cstr(out, ".Ql \"");
	for (; *s != '\0'; s++) {
		if (*s == '"')
			buf_add_cstr(out, "\\(dq");
		else
			man_char(*s, out);
	}
	buf_add_cstr(out, "\"");
}

/* Prints each sentence on a new line, as mdoc requires, and wraps it. */
static void
man_text(const char *text, struct buf *out)
{
	struct str rest = str_from(text), word;
	size_t column = 0;

	while (str_word(&rest, &word)) {
		bool ends = word.p[word.n - 1] == '.';

		if (column > 0 && column + 1 + word.n > MAN_WIDTH) {
			buf_add_char(out, '\n');
			column = 0;
		}
		if (column > 0)
			buf_add_char(out, ' ');
		else if (word.p[0] == '.' || word.p[0] == '\'')
			buf_add_cstr(out, "\\&");
		for (size_t i = 0; i < word.n; i++)
			man_char(word.p[i], out);
		column += 1 + word.n;
		if (ends) {
			buf_add_char(out, '\n');
			column = 0;
		}
	}
	if (column > 0)
		buf_add_char(out, '\n');
}

static void
man_default(const char *def, struct buf *out)
{
	if (def == NULL || def[0] == '\0')
		return;
	buf_add_cstr(out, "Default:\n");
	man_quoted(def, out);
	buf_add_cstr(out, " .\n");
}

static void
man_item(const struct option *o, struct buf *out)
{
	buf_printf(out, ".It Ic %s Ns = Ns Ar %s\n", o->name,
		   types[o->type].value);
	man_text(o->help != NULL ? o->help : "", out);
	if (o->type == OPT_ENUM) {
		for (size_t i = 0; o->words[i] != NULL; i++) {
			buf_printf(out, "%s%s", i == 0 ? "One of " : ", ",
				   o->words[i]);
		}
		buf_add_cstr(out, ".\n");
	}
	if (types[o->type].range != NULL && (o->min != 0 || o->max != 0)) {
		buf_printf(out, "%s: ", types[o->type].range);
		option_print_range(o, out);
		buf_printf(out, "%s%s%s.\n", types[o->type].of,
			   o->type == OPT_INT && o->words ? " or " : "",
			   o->type == OPT_INT && o->words ? o->words[0] : "");
	}
	man_default(o->def, out);
	if ((o->flags & OPTION_REQUIRED) != 0 && o->def == NULL)
		buf_add_cstr(out, "It must be set.\n");
	if ((o->flags & OPTION_RESTART) != 0)
		buf_add_cstr(out, "A change needs a restart.\n");
	if (o->type == OPT_SECRET) {
		buf_printf(out,
			   ".It Ic %s_file Ns = Ns Ar file\n"
			   "The name of a file that holds %s instead.\n"
			   "One newline at its end is left out.\n",
			   o->name, o->name);
	}
}

static void
man_items(const struct option *table, struct buf *out)
{
	for (const struct option *o = table; o->name != NULL; o++)
		man_item(o, out);
}

/* Prints the keys of one driver as a list inside that of the section. */
static void
man_driver(const struct settings_driver *d, const char *key, struct buf *out)
{
	buf_printf(out, ".Pp\nWith\n.Ic %s Ns = Ns %s :\n", key, d->name);
	man_text(d->summary, out);
	if (d->options == NULL || d->options->name == NULL) {
		buf_add_cstr(out, ".Pp\nNo other keys.\n");
		return;
	}
	buf_add_cstr(out, ".Bl -tag -width Ds\n");
	man_items(d->options, out);
	buf_add_cstr(out, ".El\n");
}

static void
man_selector(const struct tables_selector *selector,
	     const struct settings_drivers *drivers, struct buf *out)
{
	const struct settings_driver *v;
	size_t n;

	v = tables_drivers(drivers, selector->kind, &n);
	buf_printf(out, ".It Ic %s Ns = Ns Ar name\n", selector->key);
	man_text(selector->help, out);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i == 0 ? "One of " : ", ", v[i].name);
	buf_add_cstr(out, ".\n");
	man_default(selector->def, out);
}

static void
man_modes(const struct settings_drivers *drivers, struct buf *out)
{
	for (size_t i = 0; i < drivers->nmodes; i++) {
		const struct settings_driver *d = &drivers->modes[i];

		if (d->options == NULL || d->options->name == NULL)
			continue;
		buf_printf(out, ".Ss [%s]\\&\n", d->name);
		man_text(d->summary, out);
		buf_add_cstr(out, ".Bl -tag -width Ds\n");
		man_items(d->options, out);
		buf_add_cstr(out, ".El\n");
	}
}

static void
man_section(const struct tables_section *t,
	    const struct settings_drivers *drivers, struct buf *out)
{
	const struct settings_driver *v = NULL;
	size_t n = 0;

	buf_printf(out, ".Ss [%s%s]\\&\n", t->name, t->named ? " NAME" : "");
	man_text(t->help, out);
	buf_add_cstr(out, ".Bl -tag -width Ds\n");
	if (t->selector != NULL)
		man_selector(t->selector, drivers, out);
	man_items(t->options, out);
	buf_add_cstr(out, ".El\n");
	if (t->selector != NULL && !t->selector->own_section)
		v = tables_drivers(drivers, t->selector->kind, &n);
	for (size_t i = 0; i < n; i++)
		man_driver(&v[i], t->selector->key, out);
}

void
settings_manual(const struct settings_drivers *drivers, struct buf *out)
{
	for (size_t i = 0; i < tables_nsections; i++) {
		if (tables_sections[i].modes_first)
			man_modes(drivers, out);
		man_section(&tables_sections[i], drivers, out);
	}
}

/* `driver` may be "". */
static void
name_options(const char *section, const char *driver,
	     const struct option *table, struct buf *out)
{
	const char *dot = driver[0] != '\0' ? "." : "";

	for (const struct option *o = table; o != NULL && o->name != NULL;
	     o++) {
		buf_printf(out, "%s.%s%s%s\n", section, driver, dot, o->name);
		if (o->type == OPT_SECRET) {
			buf_printf(out, "%s.%s%s%s_file\n", section, driver,
				   dot, o->name);
		}
	}
}

void
settings_names(const struct settings_drivers *drivers, struct buf *out)
{
	for (size_t i = 0; i < tables_nsections; i++) {
		const struct tables_section *t = &tables_sections[i];
		const struct settings_driver *v = NULL;
		size_t n = 0;

		if (t->selector != NULL) {
			buf_printf(out, "%s.%s\n", t->name, t->selector->key);
			v = tables_drivers(drivers, t->selector->kind, &n);
		}
		name_options(t->name, "", t->options, out);
		for (size_t k = 0; k < n; k++) {
			if (t->selector->own_section)
				name_options(v[k].name, "", v[k].options, out);
			else
				name_options(t->name, v[k].name, v[k].options,
					     out);
		}
	}
}

static void
restart_options(const char *section, const struct option *table,
		const void *before, const void *after, struct buf *out)
{
	for (const struct option *o = table; o != NULL && o->name != NULL;
	     o++) {
		if ((o->flags & OPTION_RESTART) == 0 ||
		    option_equal_one(o, before, after))
			continue;
		buf_printf(out, "%s%s.%s", out->n > 0 ? " " : "", section,
			   o->name);
	}
}

static void
restart_choice(const char *section, const struct settings_choice *before,
	       const struct settings_choice *after, struct buf *out)
{
	/*
	 * A driver that changed is opened again with all its options. The two
	 * structs may come from two calls of the registry, so names are
	 * compared.
	 */
	if (str_eq(str_from(before->driver->name),
		   str_from(after->driver->name)))
		restart_options(section, before->driver->options, before->conf,
				after->conf, out);
}

void
settings_restart_needed(const struct settings *before,
			const struct settings *after, struct buf *out)
{
	for (size_t i = 0; i < tables_nsections; i++) {
		const struct tables_section *t = &tables_sections[i];

		if (t->named)
			continue; /* a reload is enough for all of these */
		restart_options(t->name, t->options,
				(const char *)before + t->offset,
				(const char *)after + t->offset, out);
		if (t->selector != NULL) {
			restart_choice(t->selector->own_section ?
					   before->mode.driver->name :
					   t->name,
				       choice_of(before, t->selector),
				       choice_of(after, t->selector), out);
		}
	}
}
