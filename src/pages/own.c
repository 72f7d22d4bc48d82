/* SPDX-License-Identifier: MIT */
/* Reads the files of [pages] directory. */
#include "pages/own.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/problems.h"
#include "conf/settings.h"
#include "os/file.h"

/* The most files of a directory, and the most bytes of a file: two of them, the
 * frame and a page, fit into an answer. */
#define NAMES_MAX      256
#define FILE_MAX       (24 * 1024)
#define PATH_MAX_BYTES 8192

struct reader {
	struct arena *a;
	struct problems *problems;
	const char *ini;
	const char *directory;
	struct own_files *out;
};

/* The names in a directory. */
struct own_names {
	const char *v[NAMES_MAX];
	size_t n;
};

const char *
own_path(const char *directory, const char *name, struct arena *a)
{
	struct buf b;

	buf_init(&b, a, PATH_MAX_BYTES);
	buf_printf(&b, "%s/%s", directory, name);
	buf_add_char(&b, '\0');
	return buf_failed(&b) ? NULL : buf_str(&b).p;
}

static int
own_problem(const struct reader *r, const char *what, const char *why)
{
	const struct place at = { .file = r->ini,
				  .section = STR("pages"),
				  .key = STR("directory") };

	problems_add(r->problems, &at, "%s: %s", what, why);
	return -1;
}

static int
order_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
add_name(const char *name, struct arena *a, struct own_names *out,
	 struct err *err)
{
	if (name[0] == '.')
		return 0;
	if (out->n == NAMES_MAX)
		return err_set(err, ERR_CONFIG,
			       "the directory has more than %d files",
			       NAMES_MAX);
	out->v[out->n] = arena_cstr(a, str_from(name));
	return out->v[out->n++] != NULL ? 0 : err_nomem(err);
}

/* Lists a directory in the order of the names, without hidden files. One that
 * does not exist is empty if it is `optional`. */
static int
list_names(const char *path, bool optional, struct arena *a,
	   struct own_names *out, struct err *err)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc = 0;

	out->n = 0;
	if (dir == NULL && optional && errno == ENOENT)
		return 0;
	if (dir == NULL)
		return err_set(err, ERR_CONFIG, "cannot open it: %s",
			       strerror(errno));
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		rc = add_name(entry->d_name, a, out, err);
	(void)closedir(dir);
	qsort(out->v, out->n, sizeof(out->v[0]), order_names);
	return rc;
}

/* Writes newlines as "\n", and reports bytes that are not text. */
static int
clean_lines(const struct reader *r, const char *path, struct str *text)
{
	struct str rest = str_skip_bom(*text), line;
	struct place at = { .file = path };
	struct buf b;

	buf_init(&b, r->a, FILE_MAX + 1);
	while (rest.n > 0 && str_cut(&rest, '\n', &line)) {
		at.line++;
		if (str_ends(line, STR("\r")))
			line.n--;
		if (!str_is_utf8(line) || str_find(line, '\0') < line.n) {
			problems_add(r->problems, &at,
				     "the line is not UTF-8 text");
			return -1;
		}
		buf_add(&b, line);
		buf_add_char(&b, '\n');
	}
	if (buf_failed(&b))
		return own_problem(r, path, "out of memory");
	*text = buf_str(&b);
	if (text->p == NULL)
		*text = STR("");
	return 0;
}

static int
read_own(const struct reader *r, const char *path, struct str *out)
{
	struct err err;

	if (path == NULL)
		return own_problem(r, r->directory, "out of memory");
	if (file_read(path, FILE_MAX, r->a, out, NULL, &err) != 0)
		return own_problem(r, path, err.msg);
	return clean_lines(r, path, out);
}

/* Returns where the file of this name belongs; NULL: nothing uses it. */
static struct str *
place_of_name(struct own_files *own, const char *name)
{
	static const char *const files[PAGE_FILES] = {
		[FILE_STYLE] = "style.css",
		[FILE_PAGE] = "page.js",
		[FILE_ICON] = "icon.svg",
	};

	for (int i = 0; i < PAGES; i++) {
		if (strcmp(template_file_name((enum page)i), name) == 0)
			return &own->pages[i];
	}
	for (int i = 0; i < PAGE_FILES; i++) {
		if (strcmp(files[i], name) == 0)
			return &own->files[i];
	}
	return NULL;
}

static void
warn_unused(const struct reader *r, const char *path)
{
	problems_warn(r->problems, &(struct place){ .file = path },
		      "nothing uses a file of this name");
}

static int
read_pages(const struct reader *r)
{
	struct own_names names;
	struct err err;
	int rc = 0;

	if (list_names(r->directory, false, r->a, &names, &err) != 0)
		return own_problem(r, r->directory, err.msg);
	for (size_t i = 0; i < names.n; i++) {
		const char *path = own_path(r->directory, names.v[i], r->a);
		struct str *to = place_of_name(r->out, names.v[i]);

		if (to != NULL && read_own(r, path, to) != 0)
			rc = -1;
		else if (to == NULL &&
			 str_ends(str_from(names.v[i]), STR(".html")) &&
			 path != NULL)
			warn_unused(r, path);
	}
	return rc;
}

/* Sets *out to the language of "de.txt"; returns false for other names. */
static bool
language_of_name(const char *name, struct arena *a, const char **out)
{
	struct str s = str_from(name);

	*out = NULL;
	if (s.n != 6 || !str_ends(s, STR(".txt")) || s.p[0] < 'a' ||
	    s.p[0] > 'z' || s.p[1] < 'a' || s.p[1] > 'z')
		return false;
	s.n = 2;
	*out = arena_cstr(a, s);
	return true;
}

static int
read_texts(const struct reader *r)
{
	const char *directory = own_path(r->directory, "texts", r->a);
	struct own_catalogue *v;
	struct own_names names;
	struct err err;
	size_t n = 0;

	if (directory == NULL)
		return own_problem(r, r->directory, "out of memory");
	if (list_names(directory, true, r->a, &names, &err) != 0)
		return own_problem(r, directory, err.msg);
	v = arena_array(r->a, names.n + 1, sizeof(*v));
	if (v == NULL)
		return own_problem(r, directory, "out of memory");
	for (size_t i = 0; i < names.n; i++) {
		const char *path = own_path(directory, names.v[i], r->a);
		struct own_catalogue *c = &v[n];

		if (!language_of_name(names.v[i], r->a, &c->language)) {
			if (path != NULL)
				warn_unused(r, path);
			continue;
		}
		c->file = path;
		if (c->language == NULL)
			return own_problem(r, directory, "out of memory");
		if (read_own(r, path, &c->text) != 0)
			return -1;
		n++;
	}
	r->out->catalogues = v;
	r->out->ncatalogues = n;
	return 0;
}

int
own_read(const struct settings *set, struct arena *a, struct own_files *out,
	 struct problems *problems)
{
	struct own_files files = { .directory = set->pages.directory };
	const struct reader r = { .a = a,
				  .problems = problems,
				  .ini = set->file,
				  .directory = files.directory,
				  .out = &files };

	if (files.directory != NULL &&
	    (read_pages(&r) != 0 || read_texts(&r) != 0))
		return -1;
	*out = files;
	return 0;
}
