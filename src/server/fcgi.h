/* SPDX-License-Identifier: MIT */
/*
 * libfcgi, fed from memory. Its three calls to the operating system (OS_Read,
 * OS_Write, OS_IpcClose of fcgios.h) are replaced at link time: it decodes a
 * request that is already complete, and frames an answer into memory. It never
 * sees a socket.
 */
#ifndef SERVER_FCGI_H
#define SERVER_FCGI_H

#include "http/message.h"

struct arena;
struct buf;
struct err;

/* One decoder; used by one thread. */
struct fcgi;

/* Called once per process, before the first fcgi_new(). libfcgi installs signal
 * handlers here: ours must be installed afterwards. */
int fcgi_init(void) MUST_USE;

struct fcgi *fcgi_new(void) MUST_USE;
void fcgi_free(struct fcgi *f); /* f may be NULL */

/*
 * Decodes the n bytes of one request that frame_scan() found complete. The
 * message borrows from `f` until fcgi_answer() or fcgi_abort() is called.
 */
int fcgi_decode(struct fcgi *f, char *bytes, size_t n, struct arena *a,
		struct message *out, struct err *err) MUST_USE;

/*
 * Frames `answer` (in CGI form) as STDOUT and END_REQUEST, and appends it to
 * `out`. This ends the request.
 */
int fcgi_answer(struct fcgi *f, struct str answer, struct buf *out,
		struct err *err) MUST_USE;

/* Ends the request without an answer; the caller must close the connection. */
void fcgi_abort(struct fcgi *f);

#endif
