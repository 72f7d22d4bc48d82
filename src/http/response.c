/* SPDX-License-Identifier: MIT */
/* Builds and writes responses. */
#include "http/response.h"

#include "base/arena.h"
#include "base/str.h"

static const struct {
	unsigned status;
	const char *line;
} statuses[] = {
	{ 200, "200 OK" },
	{ 204, "204 No Content" },
	{ 302, "302 Found" },
	{ 303, "303 See Other" },
	{ 307, "307 Temporary Redirect" },
	{ 400, "400 Bad Request" },
	{ 401, "401 Unauthorized" },
	{ 403, "403 Forbidden" },
	{ 404, "404 Not Found" },
	{ 405, "405 Method Not Allowed" },
	{ 413, "413 Content Too Large" },
	{ 415, "415 Unsupported Media Type" },
	{ 429, "429 Too Many Requests" },
	{ 500, "500 Internal Server Error" },
	{ 503, "503 Service Unavailable" },
};

/* Returns NULL for an unknown status. */
static const char *
find_line(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (statuses[i].status == status)
			return statuses[i].line;
	}
	return NULL;
}

void
http_response_init(struct http_response *res, struct arena *a)
{
	*res = (struct http_response){ .arena = a };
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

void
http_response_header(struct http_response *res, const char *name,
		     struct str value)
{
	struct http_header h = { .name = name };

	if (res->nheaders == RESPONSE_MAX_HEADERS ||
	    !name_is_good(str_from(name)) || str_has_control(value) ||
	    arena_copy(res->arena, value, &h.value) != 0) {
		res->failed = true;
		return;
	}
	res->header[res->nheaders++] = h;
}

void
http_response_default(struct http_response *res, const char *name,
		      struct str value)
{
	for (size_t i = 0; i < res->nheaders; i++) {
		if (str_eq_nocase(str_from(res->header[i].name),
				  str_from(name)))
			return;
	}
	http_response_header(res, name, value);
}

void
http_response_write(const struct http_response *res, bool head_only,
		    struct buf *out)
{
	const char *line = find_line(res->status);

	if (line == NULL || res->failed || buf_failed(&res->body)) {
		buf_printf(out, "Status: %s\r\nCache-Control: no-store\r\n\r\n",
			   find_line(500));
		return;
	}
	buf_printf(out, "Status: %s\r\n", line);
	for (size_t i = 0; i < res->nheaders; i++) {
		buf_add_cstr(out, res->header[i].name);
		buf_add_cstr(out, ": ");
		buf_add(out, res->header[i].value);
		buf_add_cstr(out, "\r\n");
	}
	buf_add_cstr(out, "\r\n");
	if (!head_only)
		buf_add(out, buf_str(&res->body));
}
