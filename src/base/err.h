/* SPDX-License-Identifier: MIT */
/*
 * How a function fails: it returns -1 and has filled *err.  On success it
 * returns 0 and has not touched it.  An answer ("wrong password", "no such
 * session") is not a failure: answers are enums whose zero value denies.
 *
 * On 0 every output is set, also when the answer is no: what there is nothing
 * to say in is zero then, so that nobody reads what lay in memory.  On -1 no
 * output is touched.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum err_code {
	ERR_NONE = 0,
	ERR_INPUT,	/* the peer sent something malformed */
	ERR_LIMIT,	/* a size, count or rate limit was reached */
	ERR_UNAVAILABLE, /* a backend is down: trying later may help */
	ERR_BUSY,	/* a backend answered "not now": its connection is good;
			 * from strategy/conn.c on this is ERR_UNAVAILABLE too */
	ERR_UNDONE, /* the connection to a backend has ended, and nothing was
			 * done: another may do it; not beyond strategy/conn.c */
	ERR_CONFIG,	/* the administrator must change something */
	ERR_INTERNAL	/* out of memory, no entropy, a broken promise */
};

struct err {
	enum err_code code;
	char msg[200]; /* for the log, never for a client; no secrets */
};

/* Fills *err and returns -1: a failing path is one line. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    PRINTF(3, 4);

/* Puts "what: " in front of the message, for the caller who knows more. */
int err_context(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* err_set(ERR_INTERNAL, "out of memory"). */
int err_nomem(struct err *err);

#endif
