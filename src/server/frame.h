/* SPDX-License-Identifier: MIT */
/*
 * Tells whether a FastCGI request is complete and well-formed. Looks at bytes
 * as they come in, before libfcgi sees any of them: stock libfcgi aborts,
 * blocks or calls the application on several malformed inputs.
 *
 * Accepted: version 1; first BEGIN_REQUEST with 8 bytes, an id that is not 0,
 * and the role RESPONDER or AUTHORIZER; then, all with the same id, PARAMS
 * until an empty one, then STDIN until an empty one (for a RESPONDER; for an
 * AUTHORIZER the request ends with PARAMS, and an empty STDIN that follows is
 * skipped). Any record may have padding, even an empty one (FastCGI 1.0,
 * section 3.3). Name-value pairs must end within the bytes of PARAMS, have no
 * empty name, no NUL and no '=' in a name, and number at most `pairs`.
 * Everything else is malformed.
 */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include "base/base.h"

struct frame_limits {
	size_t params; /* bytes of all PARAMS content */
	size_t pairs;
	size_t body; /* STDIN content that is kept */
	/* STDIN content beyond `body` that is read and dropped; more is
	 * malformed */
	size_t excess;
};

enum frame_state { FRAME_MALFORMED = 0, FRAME_INCOMPLETE, FRAME_COMPLETE };

/* The progress through one request; all zero at the beginning. */
struct frame {
	size_t pos; /* bytes of the buffer that are checked */
	uint8_t stage;
	uint16_t id;
	/* an AUTHORIZER request with this id has ended, and one empty STDIN may
	 * still come; 0: none */
	uint16_t skip;
	bool authorizer, keep;
	bool body_too_large; /* some STDIN content was dropped */
	size_t params, body, excess;
	size_t params_at; /* the offset of the first PARAMS record */
	/* the offset of the record that content is added to; 0: none */
	size_t last;
};

/*
 * Continues where it stopped. `bytes` holds *n bytes from the beginning of the
 * request; `limits` must be the same for the whole of it. What is checked is
 * packed in place and *n lowered: padding and dropped STDIN records are
 * removed, and small records of a stream joined, so that many tiny records take
 * no memory. After FRAME_COMPLETE the request is the first frame->pos bytes;
 * what follows belongs to the next one. After FRAME_MALFORMED the caller must
 * close the connection.
 */
enum frame_state frame_scan(struct frame *f, const struct frame_limits *limits,
			    char *bytes, size_t *n);

/* Prepares for the next request of the same connection; called after
 * FRAME_COMPLETE, when the bytes of the request are removed from the buffer. */
void frame_next(struct frame *f);

/* Returns the most bytes that frame_scan() can leave incomplete: a buffer of
 * this size always suffices. */
size_t frame_max(const struct frame_limits *limits);

#endif
