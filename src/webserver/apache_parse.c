/* SPDX-License-Identifier: MIT */
/* Parses the files of Apache: lines, <Sections>, includes. */
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "webserver/webserver.h"

#include <string.h>

#define DEPTH_MAX 64 /* of sections and includes together */
#define WORDS_MAX 256
#define NODES_MAX 200000

struct apache_reader {
	struct str file, rest;
	unsigned line;
};

struct apache_parser {
	struct web_source source;
	struct arena *arena;
	struct err *err;
	size_t nodes;
	struct str words[WORDS_MAX];
	size_t n;
};

static int
apache_bad(const struct apache_parser *p, const struct apache_reader *r,
	   const char *what)
{
	return err_set(p->err, ERR_INPUT, "%.*s:%u: %s", STR_ARG(r->file),
		       r->line, what);
}

static struct str
trimmed(struct str line)
{
	if (str_ends(line, STR("\r")))
		line.n--;
	return str_trim(line);
}

/* Reads a line, with the lines that a backslash at its end joins to it. Returns
 * 1 when there is one, 0 at the end. */
static int
apache_next_line(struct apache_parser *p, struct apache_reader *r,
		 struct str *out)
{
	struct str line, joined = STR("");
	char *text;
	bool more = true;

	while (more) {
		if (r->rest.n == 0 || !str_cut(&r->rest, '\n', &line))
			return joined.n > 0 ? (*out = joined, 1) : 0;
		r->line++;
		line = trimmed(line);
		more = str_ends(line, STR("\\"));
		line.n -= more;
		if (!more && joined.n == 0) {
			*out = line;
			return 1;
		}
		text = arena_alloc(p->arena, joined.n + line.n + 2);
		if (text == NULL)
			return err_nomem(p->err);
		memcpy(text, joined.p, joined.n);
		text[joined.n] = ' ';
		memcpy(text + joined.n + 1, line.p, line.n);
		joined = (struct str){ .p = text, .n = joined.n + 1 + line.n };
	}
	*out = joined;
	return 1;
}

/* Takes one word off the front, without the quotes around it. */
static bool
take_word(struct str *rest, struct str *word)
{
	char quote;
	size_t n = 0;

	*rest = str_trim(*rest);
	if (rest->n == 0)
		return false;
	quote = rest->p[0];
	if (quote != '"' && quote != '\'') {
		while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
			n++;
		*word = (struct str){ .p = rest->p, .n = n };
		*rest = str_skip(*rest, n);
		return true;
	}
	*rest = str_skip(*rest, 1);
	while (n < rest->n && rest->p[n] != quote)
		n += rest->p[n] == '\\' && n + 1 < rest->n ? 2 : 1;
	*word = (struct str){ .p = rest->p, .n = n };
	*rest = str_skip(*rest, n < rest->n ? n + 1 : n);
	return true;
}

static int
split_words(struct apache_parser *p, const struct apache_reader *r,
	    struct str line)
{
	struct str word;

	p->n = 0;
	while (take_word(&line, &word)) {
		if (p->n == WORDS_MAX)
			return apache_bad(p, r, "the line has too many words");
		p->words[p->n++] = word;
	}
	return 0;
}

static struct web_node *
apache_add_node(struct apache_parser *p, const struct apache_reader *r,
		struct web_node ***tail)
{
	struct web_node *node = arena_alloc(p->arena, sizeof(*node));
	struct str *words = arena_array(p->arena, p->n, sizeof(*words));

	if (node == NULL || words == NULL || p->nodes++ == NODES_MAX) {
		(void)err_set(p->err, ERR_LIMIT,
			      "%.*s:%u: the file is too large",
			      STR_ARG(r->file), r->line);
		return NULL;
	}
	memcpy(words, p->words, p->n * sizeof(*words));
	*node = (struct web_node){
		.file = r->file, .line = r->line, .words = words, .n = p->n
	};
	**tail = node;
	*tail = &node->next;
	return node;
}

static int apache_read_list(struct apache_parser *p, struct apache_reader *r,
			    size_t depth, struct str section,
			    struct web_node ***tail);

static int
apache_read_include(struct apache_parser *p, const struct apache_reader *from,
		    size_t depth, bool optional, struct web_node ***tail)
{
	struct str pattern = p->words[1];
	struct web_file *files;
	size_t n;

	if (web_include(&p->source, pattern, p->arena, &files, &n, p->err) != 0)
		return -1;
	if (n == 0 && !optional && !web_has(pattern, "*"))
		return apache_bad(p, from, "the included file does not exist");
	for (size_t i = 0; i < n; i++) {
		struct apache_reader r = { .file = files[i].name,
					   .rest = files[i].bytes };

		if (apache_read_list(p, &r, depth, STR(""), tail) != 0)
			return -1;
	}
	return 0;
}

/* Makes a node of `<Name words>`, with what is in the section. */
static int
read_section(struct apache_parser *p, struct apache_reader *r, size_t depth,
	     struct str line, struct web_node ***tail)
{
	struct web_node *node;
	struct web_node **inside;

	if (!str_ends(line, STR(">")))
		return apache_bad(p, r, "the section has no closing >");
	line = (struct str){ .p = line.p + 1, .n = line.n - 2 };
	if (split_words(p, r, line) != 0)
		return -1;
	if (p->n == 0)
		return apache_bad(p, r, "the section has no name");
	node = apache_add_node(p, r, tail);
	if (node == NULL)
		return -1;
	node->block = true;
	inside = &node->first;
	return apache_read_list(p, r, depth + 1, node->words[0], &inside);
}

static int
apache_read_line(struct apache_parser *p, struct apache_reader *r, size_t depth,
		 struct str line, struct web_node ***tail)
{
	bool optional;

	if (str_starts(line, STR("<")))
		return read_section(p, r, depth, line, tail);
	if (split_words(p, r, line) != 0)
		return -1;
	if (p->n == 0)
		return 0;
	optional = str_eq_nocase(p->words[0], STR("IncludeOptional"));
	if (p->n == 2 &&
	    (optional || str_eq_nocase(p->words[0], STR("Include"))))
		return apache_read_include(p, r, depth + 1, optional, tail);
	if (p->n == 2 && str_eq_nocase(p->words[0], STR("ServerRoot")))
		p->source.folder = p->words[1];
	return apache_add_node(p, r, tail) == NULL ? -1 : 0;
}

/* Reads up to the end of the section of that name; if it is empty, to the end
 * of the file. */
static int
apache_read_list(struct apache_parser *p, struct apache_reader *r, size_t depth,
		 struct str section, struct web_node ***tail)
{
	struct str line;
	int status;

	if (depth > DEPTH_MAX)
		return apache_bad(p, r,
				  "sections and includes are nested too deep");
	while ((status = apache_next_line(p, r, &line)) == 1) {
		if (str_starts(line, STR("#")))
			continue;
		if (str_starts(line, STR("</"))) {
			line = str_skip(line, 2);
			line.n -= str_ends(line, STR(">"));
			if (section.n == 0 ||
			    !str_eq_nocase(str_trim(line), section))
				return apache_bad(p, r,
						  "this ends another section");
			return 0;
		}
		if (apache_read_line(p, r, depth, line, tail) != 0)
			return -1;
	}
	if (status == 0 && section.n > 0)
		return apache_bad(p, r, "the section has no end");
	return status;
}

int
apache_parse(const struct web_source *source, struct arena *a,
	     struct web_node *out, struct err *err)
{
	struct apache_parser *p = arena_alloc(a, sizeof(*p));
	struct apache_reader r = { .file = source->files[0].name,
				   .rest = source->files[0].bytes };
	struct web_node root = { .file = r.file, .line = 1, .block = true };
	struct web_node **tail = &root.first;

	if (p == NULL)
		return err_nomem(err);
	p->source = *source;
	p->arena = a;
	p->err = err;
	if (apache_read_list(p, &r, 0, STR(""), &tail) != 0)
		return -1;
	*out = root;
	return 0;
}
