/* SPDX-License-Identifier: MIT */
/*
 * How functions report failure: a function that fails returns -1 and fills
 * *err; one that succeeds returns 0 and leaves *err untouched. A negative
 * answer ("wrong password", "no such session") is not a failure: answers are
 * enums whose zero value denies.
 *
 * A function that returns 0 sets every output, also when the answer is
 * negative: outputs without a value are zero then, so that callers never read
 * uninitialised memory. A function that returns -1 sets no output.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum err_code {
	ERR_NONE = 0,
	ERR_INPUT, /* the peer sent something malformed */
	ERR_LIMIT, /* a size, count or rate limit was reached */
	ERR_UNAVAILABLE, /* a backend is down; a later attempt may succeed */
	/* a backend cannot serve the request now, but its connection is good;
	 * strategy/conn.c turns it into ERR_UNAVAILABLE */
	ERR_BUSY,
	/*
	 * the connection to a backend ended before anything was done: another
	 * connection may repeat the operation; strategy/conn.c does not pass it
	 * on
	 */
	ERR_UNDONE,
	ERR_CONFIG, /* the administrator must change something */
	ERR_INTERNAL /* no memory, no random numbers, a violated assumption */
};

struct err {
	enum err_code code;
	char msg[200]; /* for the log, never for a client; no secrets */
};

/* Fills *err and returns -1, so that a failing path is one statement. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    PRINTF(3, 4);

/* Puts the formatted text and ": " in front of the message, and returns -1.
 * Callers use it to add what they know about the failure. */
int err_context(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Short for err_set(err, ERR_INTERNAL, "out of memory"). */
int err_nomem(struct err *err);

/* For a failure of env_random() or of the random source of a library. */
int err_norandom(struct err *err);

#endif
