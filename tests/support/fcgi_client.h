/* SPDX-License-Identifier: MIT */
/*
 * The web server's side of FastCGI, for tests: builds requests byte by byte,
 * including those that no web server sends, and reads answers. When memory is
 * exhausted, or a system call fails that must not, the test process ends.
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

/* A buffer on the heap; initially zero. */
struct bytes {
	char *p;
	size_t n, cap;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_fill(struct bytes *b, char c, size_t n);
void bytes_free(struct bytes *b);

/* Adds one record: header, content and `padding` bytes. */
void fcgi_record(struct bytes *b, uint8_t type, uint16_t id, const void *p,
		 size_t n, uint8_t padding);

void fcgi_begin(struct bytes *b, uint16_t id, unsigned role, bool keep);

/* Adds a name-value pair with explicit lengths: four bytes each if `wide`,
 * otherwise as short as possible. */
void fcgi_pair(struct bytes *b, struct str name, struct str value, bool wide);

/* Adds the content in records of at most `chunk` bytes, and the empty
 * record. */
void fcgi_stream(struct bytes *b, uint8_t type, uint16_t id,
		 const struct bytes *content, size_t chunk, uint8_t padding);

struct fcgi_request {
	uint16_t id; /* 0 stands for 1 */
	bool authorizer, keep;
	const char *name, *value; /* an additional pair, or NULL */
	size_t body; /* bytes of body, all 'b' */
};

/* Adds a complete, valid request as nginx sends it. */
void fcgi_request(struct bytes *b, const struct fcgi_request *r);

/* Input that must be refused: input that makes the stock libfcgi fail, and
 * input that violates a rule of server/frame.h. */
struct fcgi_bad {
	const char *name;
	void (*build)(struct bytes *b);
};

/* The limits that the table assumes. */
#define BAD_PARAMS ((size_t)64 * 1024)
#define BAD_PAIRS  ((size_t)100)
#define BAD_BODY   ((size_t)16 * 1024)
#define BAD_EXCESS ((size_t)1024 * 1024)

extern const struct fcgi_bad fcgi_bad[];
extern const size_t fcgi_nbad;

/* Returns a connected blocking socket, or -1. */
int fcgi_connect(const char *path);
bool fcgi_connect_with(int fd, const char *path); /* uses this socket */

/* Sends everything; returns false when the peer has closed the connection. */
bool fcgi_send(int fd, const void *p, size_t n);

enum fcgi_got {
	FCGI_GOT_ANSWER,
	FCGI_GOT_EOF, /* closed, before any byte */
	FCGI_GOT_RESET, /* closed by a reset, before any byte */
	FCGI_GOT_CUT, /* closed, or invalid data, inside the answer */
	FCGI_GOT_NOTHING /* no byte within `wait_ms` */
};

struct fcgi_answer {
	uint16_t id;
	uint8_t protocol_status;
	size_t n; /* total bytes of STDOUT */
	char text[512]; /* the first of these bytes, NUL-terminated */
};

/* Reads one answer, and no byte beyond it. */
enum fcgi_got fcgi_read(int fd, int wait_ms, struct fcgi_answer *out);

/* Connects, sends the request, reads the answer and closes the connection. */
enum fcgi_got fcgi_ask(const char *path, const struct fcgi_request *r,
		       int wait_ms, struct fcgi_answer *out);

#endif
