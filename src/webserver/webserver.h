/* SPDX-License-Identifier: MIT */
/*
 * What fcgiauthctl webserver check is made of: the configuration of a web
 * server as a tree, and what is found in it.  Everything lives in one arena
 * and borrows the text that was read.  One thread.
 */
#ifndef WEBSERVER_WEBSERVER_H
#define WEBSERVER_WEBSERVER_H

#include "base/base.h"

struct arena;
struct err;

/* `name word... ;` or `name word... { first... }`, and the like elsewhere. */
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

/* Where an `include` is looked up. */
struct web_source {
	struct web_file *files; /* the main one first */
	size_t nfiles;
	struct str folder; /* what relative names are below */
	bool disk; /* a file that is not in the list is read */
};

struct web_finding {
	struct web_finding *next;
	const struct web_node *at;
	struct str place; /* `location /x`, for people */
	const char *code; /* for programs: letters and dashes */
	struct str text;
};

struct web_findings {
	struct arena *arena;
	struct web_finding *first,
	    **last; /* in the order of the files' lines */
	bool failed; /* no memory for one */
};

#define WEB_MAX_BYTES ((size_t)16 * 1024 * 1024)

void web_findings_init(struct web_findings *f, struct arena *a);
void web_find(struct web_findings *f, const struct web_node *at,
	      struct str place, const char *code, const char *fmt, ...)
    PRINTF(5, 6);

/* The words of a node but its name, joined by spaces; empty without memory. */
struct str web_words(const struct web_node *node, struct arena *a);

/* The name of a node is this one, in any case of the letters. */
bool web_is(const struct web_node *node, const char *name);

/* The next child of that name after `after`, or the first when it is NULL. */
const struct web_node *web_child(const struct web_node *block, const char *name,
				 const struct web_node *after);

/* The word at `i`; empty when there are not so many. */
struct str web_word(const struct web_node *node, size_t i);

/* It stands in one of the files that the project ships. */
bool web_is_ours(const struct web_node *node);

/* s has `part` somewhere. */
bool web_has(struct str s, const char *part);

/* The files that `pattern` of an include names, into the arena. */
int web_include(const struct web_source *source, struct str pattern,
		struct arena *a, struct web_file **out, size_t *n,
		struct err *err) MUST_USE;

/* What `nginx -T` printed, as files; a text without its marks is one file. */
int nginx_split(struct str text, struct str name, struct arena *a,
		struct web_source *out, struct err *err) MUST_USE;

/* The grammar of nginx; includes are where they are named.  ERR_INPUT. */
int nginx_parse(const struct web_source *source, struct arena *a,
		struct web_node *out, struct err *err) MUST_USE;

/* Lines and <Sections> of Apache; includes likewise.  ERR_INPUT. */
int apache_parse(const struct web_source *source, struct arena *a,
		 struct web_node *out, struct err *err) MUST_USE;

/* Conditions and assignments of lighttpd, with the value that `+=` makes, or
 * what `lighttpd -p` prints.  ERR_INPUT. */
int lighttpd_parse(const struct web_source *source, struct arena *a,
		   struct web_node *out, struct err *err) MUST_USE;

void nginx_check(const struct web_node *root, struct web_findings *out);
void apache_check(const struct web_node *root, struct web_findings *out);
void lighttpd_check(const struct web_node *root, struct web_findings *out);

#endif
