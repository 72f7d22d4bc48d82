/* SPDX-License-Identifier: MIT */
/* Checks FastCGI records as they come in, before libfcgi sees them. */
#include "server/frame.h"

#include <assert.h>
#include <string.h>

#define HEADER	    8
#define PADDING_AT  6 /* in the header */
#define BEGIN_BODY  8
#define CONTENT_MAX 65535
#define PADDING_MAX 255
#define LONG_LENGTH 0x80u
#define KEEP_CONN   1u

enum record_type { BEGIN_REQUEST = 1, PARAMS = 4, STDIN = 5 };

enum role { RESPONDER = 1, AUTHORIZER = 2 };

enum stage { STAGE_BEGIN = 0, STAGE_PARAMS, STAGE_STDIN };

struct record {
	uint8_t version, type;
	uint16_t id;
	size_t content, padding;
};

static uint8_t
byte_at(const char *bytes, size_t i)
{
	return (uint8_t)bytes[i];
}

static struct record
record_at(const char *p)
{
	return (struct record){
		.version = byte_at(p, 0),
		.type = byte_at(p, 1),
		.id = (uint16_t)(byte_at(p, 2) << 8 | byte_at(p, 3)),
		.content = (size_t)(byte_at(p, 4) << 8 | byte_at(p, 5)),
		.padding = byte_at(p, PADDING_AT),
	};
}

/* The content of consecutive records, read as if there were no headers. */
struct content {
	const char *p;
	size_t left; /* in the current record */
	size_t total; /* in all records */
};

/* Returns how many bytes, up to n, lie in a row at c->p; not 0 while there is
 * content. */
static size_t
content_run(struct content *c, size_t n)
{
	if (c->left == 0) {
		c->left = record_at(c->p).content;
		c->p += HEADER;
		assert(c->left > 0);
	}
	return n < c->left ? n : c->left;
}

static void
content_skip(struct content *c, size_t n)
{
	c->p += n;
	c->left -= n;
	c->total -= n;
}

static bool
take_byte(struct content *c, uint8_t *out)
{
	if (c->total == 0)
		return false;
	(void)content_run(c, 1); /* returns 1, as there is content */
	*out = byte_at(c->p, 0);
	content_skip(c, 1);
	return true;
}

/* Reads a length: one byte, or four with the highest bit set. */
static bool
take_length(struct content *c, size_t *out)
{
	uint8_t byte;
	size_t length;

	if (!take_byte(c, &byte))
		return false;
	length = byte;
	if ((byte & LONG_LENGTH) != 0) {
		length = byte & ~LONG_LENGTH;
		for (int i = 0; i < 3; i++) {
			if (!take_byte(c, &byte))
				return false;
			length = length << 8 | byte;
		}
	}
	*out = length;
	return true;
}

/* NUL and '=' are refused, as libfcgi makes C strings "name=value" of these. */
static bool
frame_take_text(struct content *c, size_t n, bool is_name)
{
	if (n > c->total)
		return false;
	while (n > 0) {
		size_t run = content_run(c, n);

		if (memchr(c->p, '\0', run) != NULL)
			return false;
		if (is_name && memchr(c->p, '=', run) != NULL)
			return false;
		content_skip(c, run);
		n -= run;
	}
	return true;
}

static bool
pairs_ok(const struct frame *f, const struct frame_limits *limits,
	 const char *bytes)
{
	struct content c = { .p = bytes + f->params_at, .total = f->params };

	for (size_t pairs = 0; c.total > 0; pairs++) {
		size_t name, value;

		if (pairs == limits->pairs)
			return false;
		if (!take_length(&c, &name) || !take_length(&c, &value))
			return false;
		if (name == 0 || !frame_take_text(&c, name, true) ||
		    !frame_take_text(&c, value, false))
			return false;
	}
	return true;
}

static bool
body_fits(const struct frame *f, const struct frame_limits *limits, size_t n)
{
	return !f->body_too_large && f->body + n <= limits->body;
}

/* Checks as much as the header tells, so that bytes that would be refused
 * anyway are not waited for. */
static bool
header_ok(const struct frame *f, const struct frame_limits *limits,
	  const struct record *r)
{
	if (r->version != 1 || r->id == 0)
		return false;
	if (f->stage == STAGE_BEGIN)
		return r->type == BEGIN_REQUEST && r->content == BEGIN_BODY;
	if (r->id != f->id)
		return false;
	if (f->stage == STAGE_PARAMS)
		return r->type == PARAMS &&
		       f->params + r->content <= limits->params;
	return r->type == STDIN && (body_fits(f, limits, r->content) ||
				    f->excess + r->content <= limits->excess);
}

static enum frame_state
take_begin(struct frame *f, char *bytes, size_t in, const struct record *r)
{
	const char *body = bytes + in + HEADER;
	unsigned role = (unsigned)(byte_at(body, 0) << 8 | byte_at(body, 1));

	if (role != RESPONDER && role != AUTHORIZER)
		return FRAME_MALFORMED;
	memmove(bytes + f->pos, bytes + in, HEADER + BEGIN_BODY);
	bytes[f->pos + PADDING_AT] = 0;
	f->pos += HEADER + BEGIN_BODY;
	f->params_at = f->pos;
	f->id = r->id;
	f->skip = 0;
	f->authorizer = role == AUTHORIZER;
	f->keep = (byte_at(body, 2) & KEEP_CONN) != 0;
	f->stage = STAGE_PARAMS;
	return FRAME_INCOMPLETE;
}

/* Moves the record at `in` down behind the part that is already checked. */
static void
keep_record(struct frame *f, char *bytes, size_t in, const struct record *r)
{
	size_t had = 0;
	char *head;

	if (f->last != 0 && r->content > 0)
		had = record_at(bytes + f->last).content;
	if (had == 0 || had + r->content > CONTENT_MAX) {
		memmove(bytes + f->pos, bytes + in, HEADER);
		f->last = f->pos;
		f->pos += HEADER;
		had = 0;
	}
	memmove(bytes + f->pos, bytes + in + HEADER, r->content);
	f->pos += r->content;
	head = bytes + f->last;
	head[4] = (char)((had + r->content) >> 8);
	head[5] = (char)((had + r->content) & 0xff);
	head[PADDING_AT] = 0;
}

static enum frame_state
take_params(struct frame *f, const struct frame_limits *limits, char *bytes,
	    size_t in, const struct record *r)
{
	keep_record(f, bytes, in, r);
	f->params += r->content;
	if (r->content > 0)
		return FRAME_INCOMPLETE;
	if (!pairs_ok(f, limits, bytes))
		return FRAME_MALFORMED;
	f->last = 0;
	f->stage = STAGE_STDIN;
	if (!f->authorizer)
		return FRAME_INCOMPLETE;
	f->skip = f->id;
	return FRAME_COMPLETE;
}

static enum frame_state
frame_take_stdin(struct frame *f, const struct frame_limits *limits,
		 char *bytes, size_t in, const struct record *r)
{
	if (r->content > 0 && !body_fits(f, limits, r->content)) {
		f->body_too_large = true;
		f->excess += r->content;
		return FRAME_INCOMPLETE;
	}
	keep_record(f, bytes, in, r);
	f->body += r->content;
	return r->content > 0 ? FRAME_INCOMPLETE : FRAME_COMPLETE;
}

/* True for the empty STDIN that ends an AUTHORIZER request: lighttpd sends one,
 * Apache does not. */
static bool
is_late_stdin(const struct frame *f, const struct record *r)
{
	return f->skip != 0 && r->version == 1 && r->type == STDIN &&
	       r->id == f->skip && r->content == 0;
}

/* Returns the length of an empty STDIN that is skipped; 0 when there is none,
 * or not all of it yet. */
static size_t
skip(struct frame *f, const char *p, size_t n)
{
	struct record r;

	if (n < HEADER)
		return 0;
	r = record_at(p);
	if (!is_late_stdin(f, &r) || n < HEADER + r.padding)
		return 0;
	f->skip = 0;
	return HEADER + r.padding;
}

/* Takes the record at *in, if all of it is there. */
static enum frame_state
frame_take(struct frame *f, const struct frame_limits *limits, char *bytes,
	   size_t n, size_t *in)
{
	size_t at = *in;
	struct record r = record_at(bytes + at);
	enum frame_state state;

	/* The rest of its padding is still to come. */
	if (is_late_stdin(f, &r))
		return FRAME_INCOMPLETE;
	if (!header_ok(f, limits, &r))
		return FRAME_MALFORMED;
	if (n - at < HEADER + r.content + r.padding)
		return FRAME_INCOMPLETE;
	*in += HEADER + r.content + r.padding;
	if (f->stage == STAGE_BEGIN)
		state = take_begin(f, bytes, at, &r);
	else if (f->stage == STAGE_PARAMS)
		state = take_params(f, limits, bytes, at, &r);
	else
		state = frame_take_stdin(f, limits, bytes, at, &r);
	if (state == FRAME_COMPLETE)
		*in += skip(f, bytes + *in, n - *in);
	return state;
}

enum frame_state
frame_scan(struct frame *f, const struct frame_limits *limits, char *bytes,
	   size_t *n)
{
	enum frame_state state = FRAME_INCOMPLETE;
	size_t in = f->pos, before;

	if (f->stage == STAGE_BEGIN)
		in += skip(f, bytes + in, *n - in);
	do {
		before = in;
		if (*n - in >= HEADER)
			state = frame_take(f, limits, bytes, *n, &in);
		else if (*n > in && byte_at(bytes, in) != 1)
			state = FRAME_MALFORMED;
	} while (state == FRAME_INCOMPLETE && in != before);

	if (in != f->pos) {
		memmove(bytes + f->pos, bytes + in, *n - in);
		*n -= in - f->pos;
	}
	return state;
}

void
frame_next(struct frame *f)
{
	*f = (struct frame){ .skip = f->skip };
}

/* Two neighbouring records that were not joined have together more than
 * CONTENT_MAX bytes. */
static size_t
stream_max(size_t content)
{
	return content + HEADER * (2 * (content / (CONTENT_MAX + 1)) + 2);
}

size_t
frame_max(const struct frame_limits *limits)
{
	return HEADER + BEGIN_BODY + stream_max(limits->params) +
	       stream_max(limits->body) + HEADER + CONTENT_MAX + PADDING_MAX;
}
