/* SPDX-License-Identifier: MIT */
/*
 * The parts of fcgiauthctl webserver check: the configuration of a web server
 * as a tree, and what is found in it. Everything lives in one arena and borrows
 * the text that was read. Used by one thread.
 */
#ifndef WEBSERVER_WEBSERVER_H
#define WEBSERVER_WEBSERVER_H

#include "base/base.h"

struct arena;
struct err;

/* `name word... ;` or `name word... { first... }`, and what corresponds to them
 * in other grammars. */
struct web_node {
	struct str file;
	unsigned line;
	const struct str *words; /* the name first; without quotes */
	size_t n;
	bool block;
	struct web_node *first, *next;
};

/* One file of a configuration. */
struct web_file {
	struct str name, bytes;
};

/* The files in which an `include` is looked up. */
struct web_source {
	struct web_file *files; /* the main file first */
	size_t nfiles;
	struct str folder; /* the folder that relative names start from */
	bool disk; /* a file that is not in the list is read from disk */
};

struct web_finding {
	struct web_finding *next;
	const struct web_node *at;
	struct str place; /* `location /x`, as shown in messages */
	const char *code; /* for programs: letters and dashes */
	struct str text;
};

struct web_findings {
	struct arena *arena;
	struct web_finding *first,
	    **last; /* in the order of the lines in the files */
	bool failed; /* there was no memory for a finding */
};

#define WEB_MAX_BYTES ((size_t)16 * 1024 * 1024)

void web_findings_init(struct web_findings *f, struct arena *a);
void web_find(struct web_findings *f, const struct web_node *at,
	      struct str place, const char *code, const char *fmt, ...)
    PRINTF(5, 6);

/* Returns the words of a node except its name, joined by spaces; empty when out
 * of memory. */
struct str web_words(const struct web_node *node, struct arena *a);

/* True when the node has this name; upper and lower case are the same. */
bool web_is(const struct web_node *node, const char *name);

/* Returns the next child of that name after `after`, or the first one if it is
 * NULL. */
const struct web_node *web_child(const struct web_node *block, const char *name,
				 const struct web_node *after);

/* Returns the word at `i`; empty when there are fewer words. */
struct str web_word(const struct web_node *node, size_t i);

/* True when the node is in one of the files that the project ships. */
bool web_is_ours(const struct web_node *node);

/* True when s contains `part`. */
bool web_has(struct str s, const char *part);

/* Finds the files that `pattern` of an include names; they are in the arena. */
int web_include(const struct web_source *source, struct str pattern,
		struct arena *a, struct web_file **out, size_t *n,
		struct err *err) MUST_USE;

/* Splits the output of `nginx -T` into files; a text without its marks is one
 * file. */
int nginx_split(struct str text, struct str name, struct arena *a,
		struct web_source *out, struct err *err) MUST_USE;

/* Parses the grammar of nginx; the content of an included file is in the place
 * of its include. ERR_INPUT: the text is not valid. */
int nginx_parse(const struct web_source *source, struct arena *a,
		struct web_node *out, struct err *err) MUST_USE;

/* Parses lines and <Sections> of Apache; includes as in nginx_parse().
 * ERR_INPUT likewise. */
int apache_parse(const struct web_source *source, struct arena *a,
		 struct web_node *out, struct err *err) MUST_USE;

/* Parses conditions and assignments of lighttpd (with the value that `+=`
 * results in), or the output of `lighttpd -p`. ERR_INPUT likewise. */
int lighttpd_parse(const struct web_source *source, struct arena *a,
		   struct web_node *out, struct err *err) MUST_USE;

void nginx_check(const struct web_node *root, struct web_findings *out);
void apache_check(const struct web_node *root, struct web_findings *out);
void lighttpd_check(const struct web_node *root, struct web_findings *out);

#endif
