/* SPDX-License-Identifier: MIT */
/* The files of src/pages, for the tests of the pages. */
#ifndef TESTS_PAGES_FIXTURE_H
#define TESTS_PAGES_FIXTURE_H

#include "tests/support/run.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/problems.h"
#include "conf/settings.h"
#include "pages/pages.h"

#define FILE_MAX (64 * 1024)

static const char *const page_names[PAGES] = {
	[PAGE_CONTINUE] = "continue.html",
	[PAGE_FORGOT] = "forgot.html",
	[PAGE_FRAME] = "frame.html",
	[PAGE_ACCOUNT] = "account.html",
	[PAGE_LOGIN] = "login.html",
	[PAGE_LOGOUT] = "logout.html",
	[PAGE_NEW_PASSWORD] = "new_password.html",
	[PAGE_REFUSAL] = "refusal.html",
	[PAGE_SIGNED_OUT] = "signed_out.html",
	[PAGE_TOO_LONG] = "too_long.html",
	[PAGE_UNSENT] = "unsent.html",
};

static struct arena *arena;

static inline void
setup(void)
{
	arena = arena_new(8 << 20);
	ck_assert_ptr_nonnull(arena);
}

static inline void
teardown(void)
{
	arena_free(arena);
}

/* Returns the path of a file or folder of the source tree. */
static inline const char *
source_path(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char *path = arena_alloc(arena, 600);

	ck_assert_ptr_nonnull(path);
	(void)snprintf(path, 600, "%s/%s", srcdir != NULL ? srcdir : ".", name);
	return path;
}

static inline struct str
file_content(const char *name)
{
	char *content = arena_alloc(arena, FILE_MAX);
	FILE *in = fopen(source_path(name), "re");
	size_t n;

	ck_assert_msg(in != NULL, "cannot open %s", name);
	ck_assert_ptr_nonnull(content);
	n = fread(content, 1, FILE_MAX - 1, in);
	ck_assert_int_eq(fclose(in), 0);
	return (struct str){ .p = content, .n = n };
}

static inline struct str
page_template(enum page page)
{
	struct str text;
	struct err err;

	ck_assert_int_eq(template_text(page, arena, &text, &err), 0);
	return text;
}

static struct problems problems;

/* Opens the pages; returns NULL if something is wrong with them. */
static inline struct pages *
open_pages(const struct pages_settings *own)
{
	struct settings *set = arena_alloc(arena, sizeof(*set));
	struct pages *pages;

	ck_assert_ptr_nonnull(set);
	set->file = "test.ini";
	set->pages = *own;
	if (own->language.n == 0)
		set->pages.language = STR("auto");
	problems_init(&problems, arena);
	if (pages_open(set, arena, &pages, &problems) == 0) {
		ck_assert_uint_eq(problems.count, 0);
		return pages;
	}
	ck_assert_uint_gt(problems.count, 0);
	return NULL;
}

#endif
