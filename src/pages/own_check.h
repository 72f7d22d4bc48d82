/* SPDX-License-Identifier: MIT */
/* Checks a template of [pages] directory. */
#ifndef PAGES_OWN_CHECK_H
#define PAGES_OWN_CHECK_H

#include "pages/template.h"

struct catalogue;
struct problems;

struct own_template {
	enum page page;
	const char *file; /* its full name */
	struct str text;
	struct str built_in; /* the template that it replaces */
	const struct catalogue *english;
};

/*
 * Adds to *problems, with their lines: names and texts that do not exist,
 * sections without an end, and what the page cannot do without: its title and
 * content, the fields of the built-in template, its csrf value and the texts
 * that the program selects. Returns -1 when there is a problem.
 */
int own_check(const struct own_template *t, struct problems *problems) MUST_USE;

#endif
