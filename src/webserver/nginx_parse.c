/* SPDX-License-Identifier: MIT */
/* Parses the grammar of nginx: words, quotes, comments, blocks, includes. */
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "webserver/webserver.h"

#include <string.h>

#define DEPTH_MAX 64 /* of blocks and includes together */
#define WORDS_MAX 4096 /* of one directive */
#define NODES_MAX 200000

#define MARK "# configuration file "

/* Reads the name in a mark of `nginx -T`; false when the line is no mark. */
static bool
read_mark(struct str line, struct str *name)
{
	if (!str_starts(line, STR(MARK)) || !str_ends(line, STR(":")))
		return false;
	*name = str_skip(line, sizeof(MARK) - 1);
	name->n--;
	return true;
}

static struct str
nginx_folder_of(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] != '/')
		path.n--;
	if (path.n > 1)
		path.n--;
	return path.n > 0 && path.p[0] == '/' ? path : STR(".");
}

static size_t
count_marks(struct str text)
{
	struct str line, name;
	size_t n = 0;

	while (str_cut(&text, '\n', &line))
		n += read_mark(line, &name);
	return n;
}

int
nginx_split(struct str text, struct str name, struct arena *a,
	    struct web_source *out, struct err *err)
{
	size_t n = count_marks(text), used = 0;
	struct web_source s = {
		.files = arena_array(a, n + 1, sizeof(*s.files)),
		.disk = n == 0,
	};
	struct str line, file;

	if (s.files == NULL)
		return err_nomem(err);
	if (n == 0)
		s.files[used++] =
		    (struct web_file){ .name = name, .bytes = text };
	while (n > 0 && str_cut(&text, '\n', &line)) {
		if (read_mark(line, &file))
			s.files[used++] = (struct web_file){
				.name = file,
				.bytes = { .p = line.p + line.n, .n = 0 },
			};
		else if (used > 0)
			s.files[used - 1].bytes.n =
			    (size_t)(line.p + line.n -
				     s.files[used - 1].bytes.p);
	}
	s.nfiles = used;
	s.folder = nginx_folder_of(s.files[0].name);
	*out = s;
	return 0;
}

enum nginx_token {
	TOKEN_END = 0,
	TOKEN_WORD,
	TOKEN_SEMICOLON,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_BAD, /* a quote without end */
};

struct nginx_lexer {
	struct str file, rest;
	unsigned line;
};

struct nginx_parser {
	const struct web_source *source;
	struct arena *arena;
	struct err *err;
	size_t nodes;
	struct str words[WORDS_MAX];
};

static char
nginx_advance(struct nginx_lexer *l)
{
	char c = l->rest.p[0];

	l->rest = str_skip(l->rest, 1);
	if (c == '\n')
		l->line++;
	return c;
}

static void
nginx_skip_blanks(struct nginx_lexer *l)
{
	bool comment = false;

	while (l->rest.n > 0) {
		char c = l->rest.p[0];

		if (comment ? c == '\n' : c == '#')
			comment = !comment;
		else if (!comment && strchr(" \t\r\n", c) == NULL)
			return;
		(void)nginx_advance(l);
	}
}

/* Returns what is left of `\c`; nginx keeps the backslash before all other
 * characters. */
static char
unescaped(char c)
{
	switch (c) {
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case '"':
	case '\'':
	case '\\':
		return c;
	default:
		return '\0';
	}
}

static bool
ends_word(char c, char before, char quote)
{
	if (quote != '\0')
		return c == quote;
	return strchr(" \t\r\n;", c) != NULL || (c == '{' && before != '$');
}

static enum nginx_token
nginx_read_word(struct nginx_lexer *l, struct arena *a, struct str *out)
{
	char quote = l->rest.p[0] == '"' || l->rest.p[0] == '\'' ?
			 nginx_advance(l) :
			 '\0';
	const char *start = l->rest.p;
	char before = '\0';
	char *copy;
	size_t n = 0;

	while (l->rest.n > 0 && !ends_word(l->rest.p[0], before, quote)) {
		before = nginx_advance(l);
		if (before == '\\' && l->rest.n > 0)
			(void)nginx_advance(l);
	}
	if (quote != '\0' && l->rest.n == 0)
		return TOKEN_BAD;
	n = (size_t)(l->rest.p - start);
	if (quote != '\0')
		(void)nginx_advance(l);
	copy = arena_alloc(a, n + 1);
	if (copy == NULL)
		return TOKEN_BAD;
	*out = (struct str){ .p = copy, .n = 0 };
	for (size_t i = 0; i < n; i++) {
		char c = start[i];

		if (c == '\\' && i + 1 < n && unescaped(start[i + 1]) != '\0')
			c = unescaped(start[++i]);
		copy[out->n++] = c;
	}
	return TOKEN_WORD;
}

static enum nginx_token
next_token(struct nginx_lexer *l, struct arena *a, struct str *word)
{
	nginx_skip_blanks(l);
	if (l->rest.n == 0)
		return TOKEN_END;
	switch (l->rest.p[0]) {
	case ';':
		(void)nginx_advance(l);
		return TOKEN_SEMICOLON;
	case '{':
		(void)nginx_advance(l);
		return TOKEN_OPEN;
	case '}':
		(void)nginx_advance(l);
		return TOKEN_CLOSE;
	default:
		return nginx_read_word(l, a, word);
	}
}

static int
nginx_bad(struct nginx_parser *p, const struct nginx_lexer *l, const char *what)
{
	return err_set(p->err, ERR_INPUT, "%.*s:%u: %s", STR_ARG(l->file),
		       l->line, what);
}

/* Skips a block in another language, up to its last brace. */
static void
skip_foreign(struct nginx_lexer *l)
{
	for (size_t depth = 1; depth > 0 && l->rest.n > 0;) {
		char c = nginx_advance(l);

		depth += c == '{';
		depth -= c == '}';
	}
}

/* A statement, whose words are in struct nginx_parser. */
struct statement {
	size_t n;
	unsigned line; /* of the first word */
	enum nginx_token end; /* what comes after the words */
};

static struct web_node *
nginx_add_node(struct nginx_parser *p, const struct nginx_lexer *l,
	       const struct statement *s, struct web_node ***tail)
{
	struct web_node *node = arena_alloc(p->arena, sizeof(*node));
	struct str *words = arena_array(p->arena, s->n, sizeof(*words));

	if (node == NULL || words == NULL || p->nodes++ == NODES_MAX) {
		(void)err_set(p->err, ERR_LIMIT,
			      "%.*s:%u: the file is too large",
			      STR_ARG(l->file), l->line);
		return NULL;
	}
	memcpy(words, p->words, s->n * sizeof(*words));
	*node = (struct web_node){ .file = l->file,
				   .line = s->line,
				   .words = words,
				   .n = s->n,
				   .block = s->end == TOKEN_OPEN };
	**tail = node;
	*tail = &node->next;
	return node;
}

static int nginx_read_list(struct nginx_parser *p, struct nginx_lexer *l,
			   size_t depth, bool top, struct web_node ***tail);

static int
nginx_read_include(struct nginx_parser *p, size_t depth, struct str pattern,
		   struct web_node ***tail)
{
	struct web_file *files;
	size_t n;

	if (web_include(p->source, pattern, p->arena, &files, &n, p->err) != 0)
		return -1;
	if (n == 0 && !web_has(pattern, "*"))
		return err_set(p->err, ERR_INPUT,
			       "%.*s is included, but does not "
			       "exist",
			       STR_ARG(pattern));
	for (size_t i = 0; i < n; i++) {
		struct nginx_lexer l = { .file = files[i].name,
					 .rest = files[i].bytes,
					 .line = 1 };

		if (nginx_read_list(p, &l, depth, true, tail) != 0)
			return -1;
	}
	return 0;
}

/* Reads what belongs to a statement: an include's files, or its block. */
static int
read_rest(struct nginx_parser *p, struct nginx_lexer *l, size_t depth,
	  const struct statement *s, struct web_node ***tail)
{
	struct web_node *node;
	struct web_node **inside;

	if (s->n == 0 || (s->end != TOKEN_SEMICOLON && s->end != TOKEN_OPEN))
		return nginx_bad(p, l, "this is not valid in nginx");
	if (s->end == TOKEN_SEMICOLON && s->n == 2 &&
	    str_eq(p->words[0], STR("include")))
		return nginx_read_include(p, depth + 1, p->words[1], tail);
	node = nginx_add_node(p, l, s, tail);
	if (node == NULL)
		return -1;
	if (!node->block)
		return 0;
	if (str_ends(node->words[0], STR("_by_lua_block"))) {
		skip_foreign(l);
		return 0;
	}
	inside = &node->first;
	return nginx_read_list(p, l, depth + 1, false, &inside);
}

/* Reads to the end of the file at the top level, otherwise to the closing
 * brace. */
static int
nginx_read_list(struct nginx_parser *p, struct nginx_lexer *l, size_t depth,
		bool top, struct web_node ***tail)
{
	if (depth > DEPTH_MAX)
		return nginx_bad(p, l,
				 "blocks and includes are nested too deep");
	for (;;) {
		struct statement s = { .n = 0 };
		struct str word;

		while ((s.end = next_token(l, p->arena, &word)) == TOKEN_WORD) {
			if (s.n == WORDS_MAX)
				return nginx_bad(
				    p, l, "the directive has too many words");
			if (s.n == 0)
				s.line = l->line;
			p->words[s.n++] = word;
		}
		if (s.n == 0 && s.end == (top ? TOKEN_END : TOKEN_CLOSE))
			return 0;
		if (read_rest(p, l, depth, &s, tail) != 0)
			return -1;
	}
}

int
nginx_parse(const struct web_source *source, struct arena *a,
	    struct web_node *out, struct err *err)
{
	struct nginx_parser *p = arena_alloc(a, sizeof(*p));
	struct nginx_lexer l = { .file = source->files[0].name,
				 .rest = source->files[0].bytes,
				 .line = 1 };
	struct web_node root = { .file = l.file, .line = 1, .block = true };
	struct web_node **tail = &root.first;

	if (p == NULL)
		return err_nomem(err);
	p->source = source;
	p->arena = a;
	p->err = err;
	if (nginx_read_list(p, &l, 0, true, &tail) != 0)
		return -1;
	*out = root;
	return 0;
}
