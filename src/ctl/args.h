/* SPDX-License-Identifier: MIT */
/* The command line as flags and words. Their meaning is checked later. */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include "base/base.h"

struct arena;
struct err;

enum flag {
	FLAG_CONFIG,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_JSON,
	FLAG_ROLE,
	FLAG_NO_ROLES,
	FLAG_EMAIL,
	FLAG_NAME,
	FLAG_USER,
	FLAG_IP,
	FLAG_ALL,
	FLAG_HOW_MANY,
	FLAG_PASSWORD_STDIN,
	FLAG_ALG,
	FLAG_KEY,
	FLAG_NOW,
	FLAG_SIGNATURE_ONLY,
	FLAG_TTL,
	FLAG_WATCH,
	FLAG_DRY_RUN,
	FLAG_URL,
	FLAG_MUST_CHANGE,
	FLAG_NO_MUST_CHANGE,
	FLAG_COUNT
};

/* The bit of a flag in a set of flags. */
#define FLAG_BIT(flag) (1U << (flag))

struct args {
	unsigned given; /* a set of FLAG_BIT()s */
	const char *value[FLAG_COUNT]; /* of the flags that take one */
	const char **roles; /* the values of --role, in order */
	size_t nroles;
	const char **words; /* all arguments that are not flags, in order */
	size_t nwords;
};

/*
 * Parses the command line. Flags may stand anywhere before `--`; `-` is a word.
 * *out points into argv. A message never contains a value, which may be a
 * password.
 */
int args_parse(struct arena *a, int argc, char **argv, struct args *out,
	       struct err *err) MUST_USE;

/* Returns the name of a flag for messages, such as `--role`. */
const char *args_flag_name(enum flag flag);

#endif
