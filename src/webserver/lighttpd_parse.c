/* SPDX-License-Identifier: MIT */
/* Parses the files of lighttpd: assignments, conditions in their order,
 * includes; or the output of `lighttpd -p`, which is the same without
 * includes. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "webserver/webserver.h"

#include <string.h>

#define DEPTH_MAX 64 /* of conditions and includes together */
#define NODES_MAX 50000
#define VALUE_MAX ((size_t)1024 * 1024)

struct lighttpd_parser {
	const struct web_source *source;
	struct arena *arena;
	struct err *err;
	size_t nodes;
	struct web_node *global; /* what is outside of all conditions */
};

struct lighttpd_reader {
	struct str file, rest;
	unsigned line;
};

static int
lighttpd_bad(const struct lighttpd_parser *p, const struct lighttpd_reader *r,
	     const char *what)
{
	return err_set(p->err, ERR_INPUT, "%.*s:%u: %s", STR_ARG(r->file),
		       r->line, what);
}

static char
lighttpd_advance(struct lighttpd_reader *r)
{
	char c = r->rest.p[0];

	r->rest = str_skip(r->rest, 1);
	r->line += c == '\n';
	return c;
}

static void
skip_line(struct lighttpd_reader *r)
{
	while (r->rest.n > 0 && r->rest.p[0] != '\n')
		(void)lighttpd_advance(r);
}

static void
lighttpd_skip_blanks(struct lighttpd_reader *r)
{
	while (r->rest.n > 0 && (strchr(" \t\r\n", r->rest.p[0]) != NULL ||
				 r->rest.p[0] == '#')) {
		if (r->rest.p[0] == '#')
			skip_line(r);
		else
			(void)lighttpd_advance(r);
	}
}

/* Copies a string with its quotes. */
static void
copy_string(struct lighttpd_reader *r, struct buf *out)
{
	buf_add_char(out, lighttpd_advance(r));
	while (r->rest.n > 0 && r->rest.p[0] != '"') {
		if (r->rest.p[0] == '\\' && r->rest.n > 1)
			buf_add_char(out, lighttpd_advance(r));
		buf_add_char(out, lighttpd_advance(r));
	}
	if (r->rest.n > 0)
		buf_add_char(out, lighttpd_advance(r));
}

/* Reads up to one of `ends` that is outside of strings and parentheses; leaves
 * out blanks. */
static int
read_until(const struct lighttpd_parser *p, struct lighttpd_reader *r,
	   const char *ends, struct str *out)
{
	struct buf text;
	size_t depth = 0;

	buf_init(&text, p->arena, VALUE_MAX);
	while (r->rest.n > 0) {
		char c = r->rest.p[0];

		if (depth == 0 && c != '\0' && strchr(ends, c) != NULL)
			break;
		depth += c == '(';
		depth -= c == ')' && depth > 0;
		if (c == '"')
			copy_string(r, &text);
		else if (c == '#')
			skip_line(r);
		else if (strchr(" \t\r\n", lighttpd_advance(r)) == NULL)
			buf_add_char(&text, c);
	}
	if (buf_failed(&text))
		return lighttpd_bad(p, r, "the value is too long");
	*out = buf_str(&text);
	return 0;
}

static struct str
assigned(const struct web_node *block, struct str name)
{
	struct str value = STR("");

	for (const struct web_node *n = block == NULL ? NULL : block->first;
	     n != NULL; n = n->next) {
		if (!n->block && str_eq(n->words[0], name))
			value = n->words[1];
	}
	return value;
}

static bool
lighttpd_is_empty(struct str value)
{
	return value.n == 0 || str_eq(value, STR("()"));
}

/* `+=` adds to the value in this block, or if there is none, to the value
 * outside. */
static int
lighttpd_append(const struct lighttpd_parser *p, const struct web_node *block,
		struct str name, struct str *value)
{
	struct str before = assigned(block, name);
	struct buf joined;

	if (before.n == 0)
		before = assigned(p->global, name);
	if (lighttpd_is_empty(before) || lighttpd_is_empty(*value)) {
		*value =
		    lighttpd_is_empty(*value) && before.n > 0 ? before : *value;
		return 0;
	}
	buf_init(&joined, p->arena, VALUE_MAX);
	buf_add(&joined, before);
	buf_add(&joined, *value);
	if (buf_failed(&joined))
		return err_nomem(p->err);
	*value = buf_str(&joined);
	return 0;
}

static int lighttpd_read_list(struct lighttpd_parser *p,
			      struct lighttpd_reader *r, size_t depth, bool top,
			      struct web_node *block, struct web_node ***tail);

static struct web_node *
lighttpd_add_node(struct lighttpd_parser *p, const struct lighttpd_reader *r,
		  struct web_node ***tail)
{
	struct web_node *node = arena_alloc(p->arena, sizeof(*node));
	struct str *words = arena_array(p->arena, 2, sizeof(*words));

	if (node == NULL || words == NULL || p->nodes++ == NODES_MAX) {
		(void)err_set(p->err, ERR_LIMIT,
			      "%.*s:%u: the file is too large",
			      STR_ARG(r->file), r->line);
		return NULL;
	}
	*node = (struct web_node){
		.file = r->file, .line = r->line, .words = words, .n = 2
	};
	**tail = node;
	*tail = &node->next;
	return node;
}

static int
read_condition(struct lighttpd_parser *p, struct lighttpd_reader *r,
	       size_t depth, struct web_node ***tail)
{
	struct web_node *node = lighttpd_add_node(p, r, tail);
	struct web_node **inside;

	if (node == NULL)
		return -1;
	node->block = true;
	inside = &node->first;
	/* The words are const only for callers: this node has not been returned
	 * yet. */
	if (read_until(p, r, "{", (struct str *)(uintptr_t)node->words) != 0)
		return -1;
	if (r->rest.n == 0)
		return lighttpd_bad(p, r, "the condition has no {");
	(void)lighttpd_advance(r);
	if (str_eq(node->words[0], STR("config")))
		p->global = node;
	return lighttpd_read_list(p, r, depth + 1, false, node, &inside);
}

static int
read_assignment(struct lighttpd_parser *p, struct lighttpd_reader *r,
		struct web_node *block, struct web_node ***tail)
{
	struct web_node *node;
	struct str words[2], known;
	bool more;

	if (read_until(p, r, "=", &words[0]) != 0)
		return -1;
	if (r->rest.n == 0)
		return lighttpd_bad(p, r, "this is not valid in lighttpd");
	(void)lighttpd_advance(r);
	more = str_ends(words[0], STR("+"));
	words[0].n -= more;
	if (read_until(p, r, "\n}", &words[1]) != 0)
		return -1;
	known = assigned(p->global, words[1]);
	if (known.n > 0)
		words[1] = known;
	if (more && lighttpd_append(p, block, words[0], &words[1]) != 0)
		return -1;
	node = lighttpd_add_node(p, r, tail);
	if (node == NULL)
		return -1;
	memcpy((struct str *)(uintptr_t)node->words, words, sizeof(words));
	return 0;
}

static int
lighttpd_read_include(struct lighttpd_parser *p, struct lighttpd_reader *r,
		      size_t depth, struct web_node *block,
		      struct web_node ***tail)
{
	struct str pattern;
	struct web_file *files;
	size_t n;

	r->rest = str_skip(r->rest, sizeof("include") - 1);
	if (read_until(p, r, "\n", &pattern) != 0)
		return -1;
	if (str_starts(pattern, STR("\"")) && str_ends(pattern, STR("\"")) &&
	    pattern.n > 1)
		pattern =
		    (struct str){ .p = pattern.p + 1, .n = pattern.n - 2 };
	if (web_include(p->source, pattern, p->arena, &files, &n, p->err) != 0)
		return -1;
	if (n == 0 && !web_has(pattern, "*"))
		return lighttpd_bad(p, r, "the included file does not exist");
	for (size_t i = 0; i < n; i++) {
		struct lighttpd_reader inner = { .file = files[i].name,
						 .rest = files[i].bytes,
						 .line = 1 };

		if (lighttpd_read_list(p, &inner, depth + 1, true, block,
				       tail) != 0)
			return -1;
	}
	return 0;
}

/* Reads to the end of the file at the top level, otherwise past the closing
 * brace. */
static int
lighttpd_read_list(struct lighttpd_parser *p, struct lighttpd_reader *r,
		   size_t depth, bool top, struct web_node *block,
		   struct web_node ***tail)
{
	int status = 0;

	if (depth > DEPTH_MAX)
		return lighttpd_bad(
		    p, r, "conditions and includes are nested too deep");
	for (lighttpd_skip_blanks(r); status == 0 && r->rest.n > 0;
	     lighttpd_skip_blanks(r)) {
		if (r->rest.p[0] == '}') {
			if (top)
				return lighttpd_bad(p, r,
						    "there is a } without a {");
			(void)lighttpd_advance(r);
			return 0;
		}
		if (str_starts(r->rest, STR("include_shell")))
			skip_line(r);
		else if (str_starts(r->rest, STR("include")))
			status =
			    lighttpd_read_include(p, r, depth, block, tail);
		else if (r->rest.p[0] == '$' ||
			 str_starts(r->rest, STR("else")) ||
			 str_starts(r->rest, STR("config")))
			status = read_condition(p, r, depth, tail);
		else
			status = read_assignment(p, r, block, tail);
	}
	return status == 0 && !top ?
		   lighttpd_bad(p, r, "the condition has no end") :
		   status;
}

int
lighttpd_parse(const struct web_source *source, struct arena *a,
	       struct web_node *out, struct err *err)
{
	struct lighttpd_reader r = { .file = source->files[0].name,
				     .rest = source->files[0].bytes,
				     .line = 1 };
	struct web_node root = { .file = r.file, .line = 1, .block = true };
	struct lighttpd_parser p = {
		.source = source, .arena = a, .err = err, .global = &root
	};
	struct web_node **tail = &root.first;

	if (lighttpd_read_list(&p, &r, 0, true, &root, &tail) != 0)
		return -1;
	*out = root;
	return 0;
}
