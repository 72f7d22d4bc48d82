/* SPDX-License-Identifier: MIT */
/* Configurations of web servers: trees, findings, files. */
#include "webserver/webserver.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "os/file.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1024

void
web_findings_init(struct web_findings *f, struct arena *a)
{
	*f = (struct web_findings){ .arena = a };
	f->last = &f->first;
}

void
web_find(struct web_findings *f, const struct web_node *at, struct str place,
	 const char *code, const char *fmt, ...)
{
	struct web_finding *finding;
	char text[TEXT_MAX] = "";
	va_list ap;

	/* What is inherited is reported once. */
	for (finding = f->first; finding != NULL; finding = finding->next) {
		if (finding->at == at && strcmp(finding->code, code) == 0)
			return;
	}
	finding = arena_alloc(f->arena, sizeof(*finding));
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (finding == NULL ||
	    arena_copy(f->arena, str_from(text), &finding->text) != 0) {
		f->failed = true;
		return;
	}
	finding->at = at;
	finding->place = place;
	finding->code = code;
	*f->last = finding;
	f->last = &finding->next;
}

struct str
web_words(const struct web_node *node, struct arena *a)
{
	struct buf b;

	buf_init(&b, a, TEXT_MAX);
	for (size_t i = 1; i < node->n; i++) {
		if (i > 1)
			buf_add_char(&b, ' ');
		buf_add(&b, node->words[i]);
	}
	return buf_failed(&b) ? STR("") : buf_str(&b);
}

bool
web_is(const struct web_node *node, const char *name)
{
	return node->n > 0 && str_eq_nocase(node->words[0], str_from(name));
}

const struct web_node *
web_child(const struct web_node *block, const char *name,
	  const struct web_node *after)
{
	const struct web_node *node =
	    after != NULL ? after->next : block->first;

	while (node != NULL && !web_is(node, name))
		node = node->next;
	return node;
}

struct str
web_word(const struct web_node *node, size_t i)
{
	return i < node->n ? node->words[i] : STR("");
}

static struct str
base_name(struct str path)
{
	for (size_t i = path.n; i > 0; i--) {
		if (path.p[i - 1] == '/')
			return str_skip(path, i);
	}
	return path;
}

bool
web_is_ours(const struct web_node *node)
{
	struct str name = base_name(node->file);

	return str_starts(name, STR("fcgiauth-")) ||
	       str_eq(name, STR("fcgiauth.conf"));
}

bool
web_has(struct str s, const char *part)
{
	struct str wanted = str_from(part);

	for (; s.n >= wanted.n; s = str_skip(s, 1)) {
		if (str_starts(s, wanted))
			return true;
		if (s.n == 0)
			break;
	}
	return false;
}

/* Makes a pattern absolute and returns it as a C string. */
static char *
tree_absolute(const struct web_source *source, struct str pattern,
	      struct arena *a)
{
	struct buf b;

	buf_init(&b, a, 4096);
	if (!str_starts(pattern, STR("/"))) {
		buf_add(&b, source->folder);
		buf_add_char(&b, '/');
	}
	buf_add(&b, pattern);
	return buf_failed(&b) ? NULL : arena_cstr(a, buf_str(&b));
}

static int
from_list(const struct web_source *source, const char *pattern, struct arena *a,
	  struct web_file **out, size_t *n, struct err *err)
{
	struct web_file *found =
	    arena_array(a, source->nfiles + 1, sizeof(*found));
	size_t used = 0;

	if (found == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < source->nfiles; i++) {
		const char *name = arena_cstr(a, source->files[i].name);

		if (name == NULL)
			return err_nomem(err);
		if (fnmatch(pattern, name, FNM_PATHNAME) == 0)
			found[used++] = source->files[i];
	}
	*out = found;
	*n = used;
	return 0;
}

static int
tree_read_all(const glob_t *paths, struct arena *a, struct web_file **out,
	      size_t *n, struct err *err)
{
	struct web_file *found =
	    arena_array(a, paths->gl_pathc + 1, sizeof(*found));

	if (found == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < paths->gl_pathc; i++) {
		struct str path = str_from(paths->gl_pathv[i]);

		if (file_read(paths->gl_pathv[i], WEB_MAX_BYTES, a,
			      &found[i].bytes, NULL, err) != 0)
			return err_context(err, "%s", paths->gl_pathv[i]);
		if (arena_copy(a, path, &found[i].name) != 0)
			return err_nomem(err);
	}
	*out = found;
	*n = paths->gl_pathc;
	return 0;
}

int
web_include(const struct web_source *source, struct str pattern,
	    struct arena *a, struct web_file **out, size_t *n, struct err *err)
{
	const char *path = tree_absolute(source, pattern, a);
	glob_t paths;
	int status;

	if (path == NULL)
		return err_nomem(err);
	if (!source->disk)
		return from_list(source, path, a, out, n, err);
	status = glob(path, 0, NULL, &paths);
	if (status == GLOB_NOMATCH) {
		*out = NULL;
		*n = 0;
		return 0;
	}
	if (status != 0)
		return err_set(err, ERR_INPUT, "%s cannot be read", path);
	status = tree_read_all(&paths, a, out, n, err);
	globfree(&paths);
	return status;
}
