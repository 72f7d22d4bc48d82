/* SPDX-License-Identifier: MIT */
/* Collecting what is wrong with a configuration. */
#include "conf/problems.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define WORDS_MAX 1024
#define TEXT_MAX  (WORDS_MAX + 8192) /* with a file name of any length */

void
problems_init(struct problems *p, struct arena *a)
{
	*p = (struct problems){ .arena = a };
	p->last = &p->first;
}

static void
append(struct problems *p, struct problem *problem)
{
	*p->last = problem;
	p->last = &problem->next;
}

/* The node for this is here already, because there may be no other. */
static void
out_of_memory(struct problems *p)
{
	if (p->no_memory.text != NULL)
		return;
	p->no_memory.text = "out of memory";
	append(p, &p->no_memory);
}

/* Names come from the file: long ones are cut for the eye. */
static struct str
clip(struct str s)
{
	return (struct str){ .p = s.p, .n = s.n > 64 ? 64 : s.n };
}

static void
add_place(struct buf *text, const struct place *at)
{
	buf_add_cstr(text, at->file);
	if (at->line > 0)
		buf_printf(text, ":%u", at->line);
	buf_add_cstr(text, ": ");
	if (at->section.n > 0) {
		buf_add_char(text, '[');
		buf_add(text, clip(at->section));
		buf_add_cstr(text, at->name.n > 0 ? " " : "");
		buf_add(text, clip(at->name));
		buf_add_cstr(text, "] ");
	}
	if (at->key.n > 0) {
		buf_add(text, clip(at->key));
		buf_add_cstr(text, ": ");
	}
}

void
problems_add(struct problems *p, const struct place *at, const char *fmt, ...)
{
	struct problem *problem;
	char words[WORDS_MAX];
	struct buf text;
	va_list ap;

	p->count++;
	if (p->count > PROBLEMS_MAX + 1)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap); /* may be cut */
	va_end(ap);

	buf_init(&text, p->arena, TEXT_MAX);
	problem = arena_alloc(p->arena, sizeof(*problem));
	if (p->count == PROBLEMS_MAX + 1)
		buf_printf(&text, "%s: more problems are not shown", at->file);
	else {
		add_place(&text, at);
		buf_add_cstr(&text, words);
	}
	buf_add_char(&text, '\0');
	if (problem == NULL || buf_failed(&text)) {
		out_of_memory(p);
		return;
	}
	problem->text = buf_str(&text).p;
	append(p, problem);
}
