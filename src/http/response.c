/* SPDX-License-Identifier: MIT */
/* Builds and writes responses. */
#include "http/response.h"

#include <string.h>

#include "base/str.h"

#define LINE(text)                                                             \
	{                                                                      \
		.p = "Status: " text "\r\n",                                   \
		.n = sizeof("Status: " text "\r\n") - 1                        \
	}

static const struct {
	unsigned status;
	struct str line;
} statuses[] = {
	{ 200, LINE("200 OK") },
	{ 202, LINE("202 Accepted") },
	{ 204, LINE("204 No Content") },
	{ 302, LINE("302 Found") },
	{ 303, LINE("303 See Other") },
	{ 307, LINE("307 Temporary Redirect") },
	{ 400, LINE("400 Bad Request") },
	{ 401, LINE("401 Unauthorized") },
	{ 403, LINE("403 Forbidden") },
	{ 404, LINE("404 Not Found") },
	{ 405, LINE("405 Method Not Allowed") },
	{ 409, LINE("409 Conflict") },
	{ 413, LINE("413 Content Too Large") },
	{ 415, LINE("415 Unsupported Media Type") },
	{ 422, LINE("422 Unprocessable Content") },
	{ 429, LINE("429 Too Many Requests") },
	{ 500, LINE("500 Internal Server Error") },
	{ 503, LINE("503 Service Unavailable") },
};

/* Returns NULL for an unknown status. */
static const struct str *
find_line(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (statuses[i].status == status)
			return &statuses[i].line;
	}
	return NULL;
}

void
http_response_init(struct http_response *res, struct arena *a)
{
	*res = (struct http_response){ .arena = a };
	buf_init(&res->head, a, RESPONSE_MAX_HEAD);
	buf_init(&res->body, a, RESPONSE_MAX_BODY);
}

void
http_response_reset(struct http_response *res, unsigned status)
{
	http_response_init(res, res->arena);
	res->status = status;
}

/* Returns true for a token (RFC 9110 section 5.6.2) other than Status, which
 * http_response_write() writes. */
static bool
name_is_good(struct str name)
{
	return str_is_name(name, "!#$%&'*+-.^_`|~") &&
	       !str_eq_nocase(name, STR("Status"));
}

/* Appends a text to what was written, and returns its end. */
static char *
put(char *end, struct str s)
{
	if (s.n > 0)
		memcpy(end, s.p, s.n);
	return end + s.n;
}

void
http_response_header(struct http_response *res, const char *name,
		     struct str value)
{
	const struct str field = str_from(name);
	char *end;

	if (res->nheaders == RESPONSE_MAX_HEADERS || !name_is_good(field) ||
	    str_has_control(value)) {
		res->failed = true;
		return;
	}
	end = buf_extend(&res->head, field.n + value.n + 4);
	if (end == NULL) {
		res->failed = true;
		return;
	}
	end = put(end, field);
	end = put(end, STR(": "));
	end = put(end, value);
	(void)put(end, STR("\r\n"));
	res->nheaders++;
}

/* Values have no line breaks. */
static bool
has_header(const struct http_response *res, struct str name)
{
	struct str rest = buf_str(&res->head), line;

	while (str_cut(&rest, '\n', &line)) {
		if (line.n > name.n && line.p[name.n] == ':' &&
		    str_eq_nocase((struct str){ line.p, name.n }, name))
			return true;
	}
	return false;
}

void
http_response_default(struct http_response *res, const char *name,
		      struct str value)
{
	if (!has_header(res, str_from(name)))
		http_response_header(res, name, value);
}

static void
response_write_failure(struct buf *out)
{
	buf_add(out, *find_line(500));
	buf_add(out, STR("Cache-Control: no-store\r\n\r\n"));
}

void
http_response_write(const struct http_response *res, bool head_only,
		    struct buf *out)
{
	const struct str *line = find_line(res->status);
	const struct str head = buf_str(&res->head);
	const struct str body = head_only ? STR("") : buf_str(&res->body);
	char *end;

	if (line == NULL || res->failed || buf_failed(&res->body)) {
		response_write_failure(out);
		return;
	}
	end = buf_extend(out, line->n + head.n + 2 + body.n);
	if (end == NULL)
		return;
	end = put(end, *line);
	end = put(end, head);
	end = put(end, STR("\r\n"));
	(void)put(end, body);
}
