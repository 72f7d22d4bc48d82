/* SPDX-License-Identifier: MIT */
/*
 * The web server's side of FastCGI, for tests: builds requests byte by byte,
 * also such as no web server sends, and reads answers.  Out of memory or a
 * call to the system that cannot fail here ends the test process.
 */
#ifndef TESTS_FCGI_CLIENT_H
#define TESTS_FCGI_CLIENT_H

#include "base/base.h"

enum fcgi_type {
	FCGI_T_BEGIN = 1,
	FCGI_T_ABORT = 2,
	FCGI_T_END = 3,
	FCGI_T_PARAMS = 4,
	FCGI_T_STDIN = 5,
	FCGI_T_STDOUT = 6,
	FCGI_T_STDERR = 7,
	FCGI_T_DATA = 8,
	FCGI_T_GET_VALUES = 9
};

enum fcgi_role_id {
	FCGI_R_RESPONDER = 1,
	FCGI_R_AUTHORIZER = 2,
	FCGI_R_FILTER = 3
};

/* Bytes on the heap; zero to begin. */
struct bytes {
	char *p;
	size_t n, cap;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_fill(struct bytes *b, char c, size_t n);
void bytes_free(struct bytes *b);

/* One record: header, content, `padding` bytes. */
void fcgi_record(struct bytes *b, uint8_t type, uint16_t id, const void *p,
		 size_t n, uint8_t padding);

void fcgi_begin(struct bytes *b, uint16_t id, unsigned role, bool keep);

/* A name-value pair with explicit lengths, written as four bytes each when
 * `wide`; else as short as can be. */
void fcgi_pair(struct bytes *b, struct str name, struct str value, bool wide);

/* Content in records of at most `chunk` bytes, and the empty one. */
void fcgi_stream(struct bytes *b, uint8_t type, uint16_t id,
		 const struct bytes *content, size_t chunk, uint8_t padding);

struct fcgi_request {
	uint16_t id; /* 0: 1 */
	bool authorizer, keep;
	const char *name, *value; /* one more pair, or NULL */
	size_t body;		  /* bytes of body, all 'b' */
};

/* A whole, good request as nginx sends it. */
void fcgi_request(struct bytes *b, const struct fcgi_request *r);

/* Input that must be refused: what stock libfcgi trips over, and whatever
 * breaks a rule of server/frame.h. */
struct fcgi_bad {
	const char *name;
	void (*build)(struct bytes *b);
};

/* Limits that the table is written against. */
#define BAD_PARAMS ((size_t)64 * 1024)
#define BAD_PAIRS  ((size_t)100)
#define BAD_BODY   ((size_t)16 * 1024)
#define BAD_EXCESS ((size_t)1024 * 1024)

extern const struct fcgi_bad fcgi_bad[];
extern const size_t fcgi_nbad;

/* A connected blocking socket, or -1. */
int fcgi_connect(const char *path);
bool fcgi_connect_with(int fd, const char *path); /* with this socket */

/* All of it; false when the peer has closed. */
bool fcgi_send(int fd, const void *p, size_t n);

enum fcgi_got {
	FCGI_GOT_ANSWER,
	FCGI_GOT_EOF,	/* closed, before any byte */
	FCGI_GOT_RESET, /* closed by a reset, before any byte */
	FCGI_GOT_CUT,	/* closed, or rubbish, in the middle */
	FCGI_GOT_NOTHING /* `wait_ms` are over */
};

struct fcgi_answer {
	uint16_t id;
	uint8_t protocol_status;
	size_t n;	/* bytes of all STDOUT */
	char text[512]; /* the first of them, NUL-terminated */
};

/* Reads one answer, and not a byte more. */
enum fcgi_got fcgi_read(int fd, int wait_ms, struct fcgi_answer *out);

/* Connects, asks, reads, closes. */
enum fcgi_got fcgi_ask(const char *path, const struct fcgi_request *r,
		       int wait_ms, struct fcgi_answer *out);

#endif
