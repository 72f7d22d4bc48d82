/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem() */
#include "bench/load_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STATUS_AT  9 /* after "HTTP/1.1 " */
#define LAST_CHUNK "0\r\n\r\n"

/* Returns the value of a header, or NULL. The value ends with a line end. */
static const char *
header_value(const char *head, const char *end, const char *name)
{
	const size_t n = strlen(name);
	const char *line = head;

	while ((line = memmem(line, (size_t)(end - line), "\r\n", 2)) != NULL) {
		line += 2;
		if ((size_t)(end - line) > n &&
		    strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + (line[n + 1] == ' ');
	}
	return NULL;
}

static bool
value_is(const char *value, const char *text)
{
	return value != NULL && strncasecmp(value, text, strlen(text)) == 0;
}

struct load_answer
load_answer_read(const char *p, size_t n)
{
	const size_t last = strlen(LAST_CHUNK);
	struct load_answer a = { .complete = false };
	const char *end = memmem(p, n, "\r\n\r\n", 4), *length;
	size_t body;

	if (end == NULL || end - p < STATUS_AT)
		return a;
	end += 2;
	body = n - (size_t)(end + 2 - p);
	a.status = atoi(p + STATUS_AT);
	a.closes = value_is(header_value(p, end, "Connection"), "close");
	length = header_value(p, end, "Content-Length");
	if (length != NULL)
		a.complete = body >= strtoul(length, NULL, 10);
	else if (value_is(header_value(p, end, "Transfer-Encoding"), "chunked"))
		a.complete =
		    body >= last && memcmp(p + n - last, LAST_CHUNK, last) == 0;
	else
		a.complete = true;
	return a;
}
