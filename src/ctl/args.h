/* SPDX-License-Identifier: MIT */
/* The command line as flags and words, before anybody asks what they mean. */
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
	FLAG_PASSWORD_STDIN,
	FLAG_ALG,
	FLAG_KEY,
	FLAG_NOW,
	FLAG_SIGNATURE_ONLY,
	FLAG_TTL,
	FLAG_COUNT
};

/* For sets of flags. */
#define FLAG_BIT(flag)	(1U << (flag))

struct args {
	unsigned given; /* FLAG_BIT()s */
	const char *value[FLAG_COUNT]; /* of those that take one */
	const char **roles; /* each --role, in order */
	size_t nroles;
	const char **words; /* all that is no flag, in order */
	size_t nwords;
};

/*
 * Flags may stand anywhere before `--`; `-` is a word.  *out points into
 * argv.  The message never holds a value: somebody may have typed a password
 * there.
 */
int args_parse(struct arena *a, int argc, char **argv, struct args *out,
	       struct err *err) MUST_USE;

/* `--role`, for messages. */
const char *args_flag_name(enum flag flag);

#endif
