/* SPDX-License-Identifier: MIT */
/* The head of every strategy: all that the registry knows of a backend. */
#ifndef STRATEGY_BACKEND_H
#define STRATEGY_BACKEND_H

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/option.h"

/* Grows when an ops struct changes its shape. */
#define BACKEND_ABI 3

enum backend_kind { BACKEND_STORE, BACKEND_USERS, BACKEND_MODE };

struct backend {
	unsigned abi; /* BACKEND_ABI */
	enum backend_kind kind;
	const char *name;    /* as in `driver = NAME` */
	const char *summary; /* one line, for --list-backends */
	unsigned caps;	     /* STORE_*, USERS_* or MODE_* */
	const struct option *options; /* its keys; ends with OPTION_END */
	size_t conf_size; /* of the struct those offsets are in */

	/* Rules over several options.  No I/O.  NULL: there are none. */
	int (*check)(const void *conf, struct err *err);
};

/* The file of an embedded backend: its option `path`; NULL when it has none. */
const char *backend_path(const struct backend *b, const void *conf);

/*
 * Of a backend whose library was missing when the program was built nothing is
 * compiled.  The registry keeps its name: its ops struct is zero but for name
 * and summary, and a conf_size of 0 makes `driver = NAME` say "not compiled
 * in".
 */

/* Schema of a backend that keeps tables. */
struct schema_state {
	int64_t have; /* 0: nothing there yet */
	int64_t want; /* of this program; 0: the backend has no schema */
};

#endif
