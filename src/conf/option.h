/* SPDX-License-Identifier: MIT */
/*
 * One key of an INI section.  Nothing else in the program names it: parser,
 * default, range check, --dump-config, fcgiauth.ini(5) and the check that
 * conf/fcgiauth.ini is complete all read this table.
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
	OPT_BOOL,    /* yes no; also true false on off 1 0 */
	OPT_INT,     /* decimal */
	OPT_SECONDS, /* 90s 15m 12h 30d; a bare 0 */
	OPT_BYTES,   /* 512 8k 4m */
	OPT_MODE,    /* octal file mode, 0660 */
	OPT_STR,     /* any text */
	OPT_PATH,    /* absolute file name, NUL-terminated; NULL when empty */
	OPT_SECRET,  /* as STR; the key `x_file` may give it instead */
	OPT_WORDS,   /* words between blanks */
	OPT_ENUM,    /* one of `words`; stored as its index */
};

enum option_flags {
	OPTION_REQUIRED = 1 << 0, /* may not be empty */
	OPTION_RESTART = 1 << 1, /* a reload warns instead of applying it */
	OPTION_LOWER = 1 << 2,	 /* STR, WORDS: stored in lower case */
	/* A key that is there has a value; where it has none it was left
	 * out, and is not dumped either. */
	OPTION_NOT_EMPTY = 1 << 3,
};

/* Is it one of them? */
bool words_have(const struct words *words, struct str word);

struct option {
	const char *name;
	enum option_type type;
	size_t offset;	  /* of the field in its settings struct */
	const char *def;  /* as one would write it in the file; NULL: empty */
	/* Of the number, of the bytes of a text, of the words; both 0: any. */
	int64_t min, max;
	/* OPT_ENUM: its words, NULL at the end.  OPT_INT: words[0] is
	 * accepted too and means 0 (`hash_slots = auto`). */
	const char *const *words;
	unsigned flags;
	/* Looks at the field once it is set and not empty; no I/O. */
	int (*check)(const void *field, struct err *err);
	const char *help; /* sentences for the manual, mdoc-safe text without
			   * macros and newlines: the manual wraps it */
};

#define OPTION_C_BOOL	 bool
#define OPTION_C_INT	 int64_t
#define OPTION_C_SECONDS int64_t
#define OPTION_C_BYTES	 int64_t
#define OPTION_C_MODE	 int64_t
#define OPTION_C_STR	 struct str
#define OPTION_C_PATH	 const char *
#define OPTION_C_SECRET	 struct str
#define OPTION_C_WORDS	 struct words
#define OPTION_C_ENUM	 int

/* Does not compile when the field has another type than the option. */
#define OPTION(T, st, field, ...)                                             \
	{                                                                     \
		.name = #field, .type = OPT_##T,                              \
		.offset = offsetof(st, field) +                               \
		    0 * sizeof(_Generic(((st *)0)->field,                     \
				       OPTION_C_##T: 1)),                     \
		__VA_ARGS__                                                   \
	}
#define OPTION_END	{ .name = NULL }

struct arena;
struct buf;

/*
 * Parses `text` as the option's type and stores it in the struct at `base`,
 * copied into `a` as far as it is text.  The message says what would have
 * been accepted.
 */
int option_set(const struct option *o, void *base, struct str text,
	       struct arena *a, struct err *err) MUST_USE;

/* Stores the defaults of a whole table. */
int option_defaults(const struct option *table, void *base, struct arena *a,
		    struct err *err) MUST_USE;

/* The value as one would write it in the file; a set secret prints `***`. */
void option_print(const struct option *o, const void *base, struct buf *out);

/* Its range in its unit, `1m to 1d`, or nothing when any number will do. */
void option_print_range(const struct option *o, struct buf *out);

/* A text, file name, secret or list of words that is not there. */
bool option_is_empty(const struct option *o, const void *base);

/* NULL when the table has no such key. */
const struct option *option_find(const struct option *table, struct str key);

/* The equal content of two structs filled by the same table; of one field. */
bool option_equal_one(const struct option *o, const void *a, const void *b);
bool option_equal(const struct option *table, const void *a, const void *b);

#endif
