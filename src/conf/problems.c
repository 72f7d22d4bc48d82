/* SPDX-License-Identifier: MIT */
/* Collects the problems of a configuration. */
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
	p->last_warning = &p->first_warning;
}

static void
problems_append(struct problem ***last, struct problem *problem)
{
	**last = problem;
	*last = &problem->next;
}

/* Stores the problem "out of memory". Its node is a part of *p, because no
 * other may be available. */
static void
out_of_memory(struct problems *p)
{
	if (p->no_memory.text != NULL)
		return;
	p->no_memory.text = "out of memory";
	problems_append(&p->last, &p->no_memory);
}

/* Names come from the file; long ones are truncated for the reader. */
static struct str
clip(struct str s)
{
	return (struct str){ .p = s.p, .n = s.n > 64 ? 64 : s.n };
}

static void
add_place(struct buf *text, const struct place *at, const char *kind)
{
	buf_add_cstr(text, at->file);
	if (at->line > 0)
		buf_printf(text, ":%u", at->line);
	buf_printf(text, ": %s", kind);
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

static struct problem *new_problem(struct problems *p, const struct place *at,
				   const char *kind, const char *fmt,
				   va_list ap) PRINTF(4, 0);
static struct problem *new_line(struct problems *p, const struct place *at,
				const char *fmt, ...) PRINTF(3, 4);

/* Formats a problem and returns its node; NULL when out of memory. */
static struct problem *
new_problem(struct problems *p, const struct place *at, const char *kind,
	    const char *fmt, va_list ap)
{
	struct problem *problem;
	char words[WORDS_MAX];
	struct buf text;

	(void)vsnprintf(words, sizeof(words), fmt, ap); /* may be cut */
	buf_init(&text, p->arena, TEXT_MAX);
	problem = arena_alloc(p->arena, sizeof(*problem));
	add_place(&text, at, kind);
	buf_add_cstr(&text, words);
	buf_add_char(&text, '\0');
	if (problem == NULL || buf_failed(&text))
		return NULL;
	problem->text = buf_str(&text).p;
	return problem;
}

static struct problem *
new_line(struct problems *p, const struct place *at, const char *fmt, ...)
{
	struct problem *problem;
	va_list ap;

	va_start(ap, fmt);
	problem = new_problem(p, at, "", fmt, ap);
	va_end(ap);
	return problem;
}

void
problems_add(struct problems *p, const struct place *at, const char *fmt, ...)
{
	const struct place all = { .file = at->file };
	struct problem *problem;
	va_list ap;

	p->count++;
	if (p->count > PROBLEMS_MAX + 1)
		return;
	if (p->count == PROBLEMS_MAX + 1) {
		problem = new_line(p, &all, "more problems are not shown");
	} else {
		va_start(ap, fmt);
		problem = new_problem(p, at, "", fmt, ap);
		va_end(ap);
	}
	if (problem == NULL)
		out_of_memory(p);
	else
		problems_append(&p->last, problem);
}

void
problems_warn(struct problems *p, const struct place *at, const char *fmt, ...)
{
	struct problem *problem;
	va_list ap;

	if (p->warnings++ >= PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	problem = new_problem(p, at, "warning: ", fmt, ap);
	va_end(ap);
	/* A warning is dropped when out of memory: other allocations will fail
	 * too, and report it. */
	if (problem != NULL)
		problems_append(&p->last_warning, problem);
}
