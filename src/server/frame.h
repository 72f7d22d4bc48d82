/* SPDX-License-Identifier: MIT */
/*
 * Is a FastCGI request complete and well-formed?  Looks at bytes as they come
 * in, before libfcgi sees any of them: stock libfcgi aborts, waits or calls
 * the application on several malformed inputs.
 *
 * Accepted: version 1; first BEGIN_REQUEST with 8 bytes, an id that is not 0,
 * role RESPONDER or AUTHORIZER; then, all with the same id, PARAMS until an
 * empty one, then STDIN until an empty one (a RESPONDER; for an AUTHORIZER the
 * request ends with PARAMS, and an empty STDIN that follows is skipped).  Any
 * record may have padding, also an empty one (FastCGI 1.0, section 3.3).
 * Name-value pairs within their bytes, no empty name, no NUL, no '=' in a name,
 * at most `pairs`.  Everything else is malformed.
 */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include "base/base.h"

struct frame_limits {
	size_t params; /* bytes of all PARAMS content */
	size_t pairs;
	size_t body;   /* STDIN content that is kept */
	size_t excess; /* STDIN content beyond that is read and dropped, up to
			* this much */
};

enum frame_state { FRAME_MALFORMED = 0, FRAME_INCOMPLETE, FRAME_COMPLETE };

/* Progress through one request; zero to begin. */
struct frame {
	size_t pos; /* bytes of the buffer that are done with */
	uint8_t stage;
	uint16_t id;
	uint16_t skip; /* an AUTHORIZER request of this id has ended: one
			   * empty STDIN may still come; 0: none */
	bool authorizer, keep;
	bool body_too_large; /* STDIN content was dropped */
	size_t params, body, excess;
	size_t params_at; /* where the first PARAMS record begins */
	size_t last;	  /* the record that content is added to; 0: none */
};

/*
 * Goes on where it stopped.  `bytes` holds *n bytes from the beginning of the
 * request; `limits` are the same for the whole of it.  What is done with is
 * packed in place, lowering *n: no padding, no dropped STDIN records, small
 * records of a stream joined, so that many tiny ones take no memory.
 * Complete: the request is the first frame->pos bytes; what follows belongs to
 * the next one.  After FRAME_MALFORMED only closing is left.
 */
enum frame_state frame_scan(struct frame *f, const struct frame_limits *limits,
			    char *bytes, size_t *n);

/* After FRAME_COMPLETE and once its bytes are taken off the buffer: ready for
 * the next request of the same connection. */
void frame_next(struct frame *f);

/* The most bytes that frame_scan() can leave incomplete: a buffer of this
 * size always suffices. */
size_t frame_max(const struct frame_limits *limits);

#endif
