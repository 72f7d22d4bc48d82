/* SPDX-License-Identifier: MIT */
/* The web server's side of FastCGI, and invalid variants of it. */
#include "tests/support/fcgi_client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

static char *
room(struct bytes *b, size_t n)
{
	char *p;

	if (n > b->cap - b->n) {
		b->cap = 2 * (b->cap + n);
		b->p = realloc(b->p, b->cap);
		assert(b->p != NULL);
	}
	p = b->p + b->n;
	b->n += n;
	return p;
}

void
bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (n > 0)
		memcpy(room(b, n), p, n);
}

void
bytes_fill(struct bytes *b, char c, size_t n)
{
	if (n > 0)
		memset(room(b, n), c, n);
}

void
bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ .p = NULL };
}

void
fcgi_record(struct bytes *b, uint8_t type, uint16_t id, const void *p, size_t n,
	    uint8_t padding)
{
	const uint8_t head[8] = { 1,
				  type,
				  (uint8_t)(id >> 8),
				  (uint8_t)id,
				  (uint8_t)(n >> 8),
				  (uint8_t)n,
				  padding,
				  0 };

	assert(n <= UINT16_MAX);
	bytes_add(b, head, sizeof(head));
	bytes_add(b, p, n);
	bytes_fill(b, 'P', padding);
}

void
fcgi_begin(struct bytes *b, uint16_t id, unsigned role, bool keep)
{
	const uint8_t body[8] = { 0, (uint8_t)role, keep ? 1 : 0 };

	fcgi_record(b, FCGI_T_BEGIN, id, body, sizeof(body), 0);
}

static void
add_length(struct bytes *b, size_t n, bool wide)
{
	const uint8_t bytes[4] = { (uint8_t)(n >> 24 | 0x80),
				   (uint8_t)(n >> 16), (uint8_t)(n >> 8),
				   (uint8_t)n };

	if (wide || n > 127)
		bytes_add(b, bytes, 4);
	else
		bytes_add(b, bytes + 3, 1);
}

void
fcgi_pair(struct bytes *b, struct str name, struct str value, bool wide)
{
	add_length(b, name.n, wide);
	add_length(b, value.n, wide);
	bytes_add(b, name.p, name.n);
	bytes_add(b, value.p, value.n);
}

void
fcgi_stream(struct bytes *b, uint8_t type, uint16_t id,
	    const struct bytes *content, size_t chunk, uint8_t padding)
{
	for (size_t i = 0; i < content->n; i += chunk) {
		size_t left = content->n - i;

		fcgi_record(b, type, id, content->p + i,
			    left < chunk ? left : chunk, padding);
	}
	fcgi_record(b, type, id, NULL, 0, 0);
}

void
fcgi_request(struct bytes *b, const struct fcgi_request *r)
{
	uint16_t id = r->id == 0 ? 1 : r->id;
	struct bytes params = { .p = NULL }, body = { .p = NULL };

	fcgi_pair(&params, STR("REQUEST_METHOD"), STR("GET"), false);
	fcgi_pair(&params, STR("REQUEST_URI"), STR("/protected/"), false);
	if (r->name != NULL)
		fcgi_pair(&params, str_from(r->name), str_from(r->value),
			  false);
	bytes_fill(&body, 'b', r->body);
	fcgi_begin(b, id, r->authorizer ? FCGI_R_AUTHORIZER : FCGI_R_RESPONDER,
		   r->keep);
	fcgi_stream(b, FCGI_T_PARAMS, id, &params, 32768, 0);
	if (!r->authorizer)
		fcgi_stream(b, FCGI_T_STDIN, id, &body, 32768, 0);
	bytes_free(&params);
	bytes_free(&body);
}

bool
fcgi_connect_with(int fd, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	assert(strlen(path) < sizeof(un.sun_path));
	memcpy(un.sun_path, path, strlen(path));
	return connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0;
}

int
fcgi_connect(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !fcgi_connect_with(fd, path)) {
		(void)close(fd); /* the error is that of connect() */
		return -1;
	}
	return fd;
}

bool
fcgi_send(int fd, const void *p, size_t n)
{
	const char *bytes = p;

	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* Reads exactly n bytes; `first`: no byte of the answer has been read yet. */
static enum fcgi_got
read_exactly(int fd, int wait_ms, char *p, size_t n, bool first)
{
	size_t have = 0;

	while (have < n) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (poll(&pfd, 1, wait_ms) == 0)
			return FCGI_GOT_NOTHING;
		got = recv(fd, p + have, n - have, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 && (!first || have > 0))
			return FCGI_GOT_CUT;
		if (got <= 0)
			return got == 0 ? FCGI_GOT_EOF : FCGI_GOT_RESET;
		have += (size_t)got;
	}
	return FCGI_GOT_ANSWER;
}

static void
keep_text(struct fcgi_answer *a, const char *p, size_t n)
{
	if (a->n < sizeof(a->text) - 1) {
		size_t room = sizeof(a->text) - 1 - a->n;

		memcpy(a->text + a->n, p, n < room ? n : room);
	}
	a->n += n;
}

enum fcgi_got
fcgi_read(int fd, int wait_ms, struct fcgi_answer *out)
{
	static _Thread_local char content[65535 + 255];
	struct fcgi_answer a = { .n = 0 };

	for (bool first = true;; first = false) {
		uint8_t h[8];
		size_t n, padded;
		enum fcgi_got got =
		    read_exactly(fd, wait_ms, (char *)h, sizeof(h), first);

		if (got != FCGI_GOT_ANSWER)
			return got;
		n = (size_t)(h[4] << 8 | h[5]);
		padded = n + h[6];
		got = read_exactly(fd, wait_ms, content, padded, false);
		if (got != FCGI_GOT_ANSWER)
			return got;
		a.id = (uint16_t)(h[2] << 8 | h[3]);
		if (h[0] != 1)
			return FCGI_GOT_CUT;
		if (h[1] == FCGI_T_STDOUT)
			keep_text(&a, content, n);
		if (h[1] == FCGI_T_END) {
			a.protocol_status = (uint8_t)content[4];
			*out = a;
			return FCGI_GOT_ANSWER;
		}
	}
}

enum fcgi_got
fcgi_ask(const char *path, const struct fcgi_request *r, int wait_ms,
	 struct fcgi_answer *out)
{
	struct bytes b = { .p = NULL };
	enum fcgi_got got = FCGI_GOT_EOF;
	int fd = fcgi_connect(path);

	if (fd < 0)
		return FCGI_GOT_RESET;
	fcgi_request(&b, r);
	if (fcgi_send(fd, b.p, b.n))
		got = fcgi_read(fd, wait_ms, out);
	bytes_free(&b);
	(void)close(fd); /* the answer has been read */
	return got;
}
