/* SPDX-License-Identifier: MIT */
/*
 * One key of an INI section. The table is the only place that names it: the
 * parser, the defaults, the range checks, --dump-config, fcgiauth.ini(5) and
 * the check that conf/fcgiauth.ini is complete all read it.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include "base/base.h"
#include "base/str.h"

struct err;

/* Words between blanks, as in `listen = a b c`. */
struct words {
	const struct str *v;
	size_t n;
};

enum option_type {
	OPT_BOOL, /* yes or no; also true, false, on, off, 1, 0 */
	OPT_INT, /* decimal */
	OPT_SECONDS, /* 90s, 15m, 12h, 30d; 0 without a unit */
	OPT_MS, /* 500ms, 2s; 0 without a unit; stored in milliseconds */
	OPT_BYTES, /* 512, 8k, 4m */
	OPT_MODE, /* octal file mode, 0660 */
	OPT_STR, /* any text */
	OPT_PATH, /* absolute file name, NUL-terminated; NULL when empty */
	/* as OPT_STR; the key `x_file` may name a file that holds it */
	OPT_SECRET,
	OPT_WORDS, /* words between blanks */
	OPT_ENUM, /* one of `words`; stored as its index */
};

enum option_flags {
	OPTION_REQUIRED = 1 << 0, /* may not be empty */
	OPTION_RESTART = 1 << 1, /* a reload warns instead of applying it */
	OPTION_LOWER = 1 << 2, /* OPT_STR, OPT_WORDS: stored in lower case */
	/* The key must have a value if it is present. A field without a value
	 * means that the key is absent; it is not dumped. */
	OPTION_NOT_EMPTY = 1 << 3,
	/* If it is set, the tables of the backend belong to another program:
	 * the service must not keep other data beside them. */
	OPTION_FOREIGN = 1 << 4,
};

/* Returns true when `word` is one of them. */
bool words_have(const struct words *words, struct str word);

struct option {
	const char *name;
	enum option_type type;
	size_t offset; /* of the field in its settings struct */
	const char *def; /* as written in the file; NULL: empty */
	/* The range of the number, of the length of a text in bytes, or of the
	 * number of words; both 0: no limit. */
	int64_t min, max;
	/* OPT_ENUM: the words, terminated by NULL. OPT_INT: words[0] is also
	 * accepted and means 0 (`hash_slots = auto`). */
	const char *const *words;
	unsigned flags;
	/* Checks the field after it was set, if it is not empty; no I/O. */
	int (*check)(const void *field, struct err *err);
	/* sentences for the manual: plain text without macros or newlines,
	 * which the manual escapes and wraps */
	const char *help;
};

#define OPTION_C_BOOL	 bool
#define OPTION_C_INT	 int64_t
#define OPTION_C_SECONDS int64_t
#define OPTION_C_MS	 int64_t
#define OPTION_C_BYTES	 int64_t
#define OPTION_C_MODE	 int64_t
#define OPTION_C_STR	 struct str
#define OPTION_C_PATH	 const char *
#define OPTION_C_SECRET	 struct str
#define OPTION_C_WORDS	 struct words
#define OPTION_C_ENUM	 int

/* A row of a table. It does not compile when the field has another type than
 * the option. */
#define OPTION(T, st, field, ...) OPTION_AS(#field, T, st, field, __VA_ARGS__)

/* A row whose key is not the name of the field. */
#define OPTION_AS(key, T, st, field, ...)                                      \
	{                                                                      \
		.name = key, .type = OPT_##T,                                  \
		.offset =                                                      \
		    offsetof(st, field) +                                      \
		    0 * sizeof(_Generic(((st *)0)->field, OPTION_C_##T : 1)),  \
		__VA_ARGS__                                                    \
	}
#define OPTION_END                                                             \
	{                                                                      \
		.name = NULL                                                   \
	}

struct arena;
struct buf;

/*
 * Parses `text` as the type of the option and stores the value in the struct at
 * `base`; texts are copied into `a`. The error message says what is accepted.
 */
int option_set(const struct option *o, void *base, struct str text,
	       struct arena *a, struct err *err) MUST_USE;

/* Stores the defaults of all options of a table. */
int option_defaults(const struct option *table, void *base, struct arena *a,
		    struct err *err) MUST_USE;

/* Prints the value as written in the file; a secret that is set is printed as
 * `***`. */
void option_print(const struct option *o, const void *base, struct buf *out);

/* Prints the range in the unit of the option, `1m to 1d`; nothing when there is
 * no limit. */
void option_print_range(const struct option *o, struct buf *out);

/* Returns true for an empty text, file name, secret or list of words. */
bool option_is_empty(const struct option *o, const void *base);

/* Finds an option by its key; returns NULL when the table has none. */
const struct option *option_find(const struct option *table, struct str key);

/* Compares the field of one option, or the fields of all options of a table, in
 * two structs. */
bool option_equal_one(const struct option *o, const void *a, const void *b);
bool option_equal(const struct option *table, const void *a, const void *b);

/* Copies the fields of a table from a struct of another table that has options
 * of the same names and types; fields of other options are left as they are. */
void option_copy(const struct option *table, void *base,
		 const struct option *from_table, const void *from);

#endif
