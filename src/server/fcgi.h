/* SPDX-License-Identifier: MIT */
/*
 * libfcgi, fed from memory.  Its three calls to the operating system (OS_Read,
 * OS_Write, OS_IpcClose of fcgios.h) are replaced at link time: it decodes a
 * request that is complete already and frames an answer into memory.  It
 * never sees a socket.
 */
#ifndef SERVER_FCGI_H
#define SERVER_FCGI_H

#include "http/message.h"

struct arena;
struct buf;
struct err;

/* One decoder; belongs to one thread. */
struct fcgi;

/* Once per process, before the first fcgi_new().  libfcgi installs signal
 * handlers in it: install ours after. */
int fcgi_init(void) MUST_USE;

struct fcgi *fcgi_new(void) MUST_USE;
void fcgi_free(struct fcgi *f); /* NULL is allowed */

/*
 * Decodes the n bytes of one request that frame_scan() called complete.  The
 * message borrows from `f` until fcgi_answer() or fcgi_abort().
 */
int fcgi_decode(struct fcgi *f, char *bytes, size_t n, struct arena *a,
		struct message *out, struct err *err) MUST_USE;

/*
 * Frames `answer` (CGI form) as STDOUT and END_REQUEST, appended to `out`.
 * The request is over.
 */
int fcgi_answer(struct fcgi *f, struct str answer, struct buf *out,
		struct err *err) MUST_USE;

/* The request is over without an answer; only closing is left. */
void fcgi_abort(struct fcgi *f);

#endif
