/* SPDX-License-Identifier: MIT */
/*
 * Parameters, one NAME=value per line. FCGI_ROLE=AUTHORIZER gives the message
 * that role. The bytes behind an empty line are the body.
 */
#include "tests/support/fuzz.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/request.h"

#define MAX_PARAMS 64

static size_t
count(const struct message *m, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < m->nparams; i++)
		found += str_eq(m->params[i].name, str_from(name)) ? 1 : 0;
	return found;
}

static void
read_message(struct str text, struct param *params, struct message *m)
{
	struct str line;

	while (m->nparams < MAX_PARAMS && str_cut(&text, '\n', &line)) {
		size_t at = str_find(line, '=');

		if (line.n == 0) {
			m->body = text;
			break;
		}
		if (str_eq(line, STR("FCGI_ROLE=AUTHORIZER")))
			m->authorizer = true;
		params[m->nparams++] = (struct param){
			.name = { .p = line.p, .n = at },
			.value = str_skip(line, at + 1),
		};
	}
}

/* The action must be set on success and on failure. */
static void
check_action(const struct message *m, const struct http_request *r)
{
	size_t actions = count(m, "AUTH_ACTION");

	assert(r->authorizer == m->authorizer);
	assert((r->action == ACTION_ENDPOINT) ==
	       (actions == 0 && !m->authorizer));
	if (actions > 1)
		assert(r->action == ACTION_UNKNOWN);
	if (r->action == ACTION_CHALLENGE)
		assert(actions == 1 && !m->authorizer);
}

static void
check_text(const struct http_request *r)
{
	const struct str values[] = {
		r->method_name, r->uri,	       r->path,		 r->query,
		r->host,	r->secret,     r->authorization, r->origin,
		r->require,	r->fetch_mode,
	};
	char address[INET6_ADDRSTRLEN] = "";
	struct in6_addr ignored;

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert(!str_has_control(values[i]));
	for (size_t i = 0; i < r->host.n; i++)
		assert(r->host.p[i] < 'A' || r->host.p[i] > 'Z');
	assert(r->host.n > 0 && !str_ends(r->host, STR(".")));
	assert(r->method_name.n > 0 && r->path.n > 0 && r->path.p[0] == '/');
	assert(r->uri.n <= 8192);
	assert(r->remote_addr.n < sizeof(address));
	memcpy(address, r->remote_addr.p, r->remote_addr.n);
	assert(inet_pton(AF_INET, address, &ignored) == 1 ||
	       inet_pton(AF_INET6, address, &ignored) == 1 ||
	       strcmp(address, "unix:") == 0);
}

static void
check_counts(const struct message *m, const struct http_request *r)
{
	static const char *const once[] = { "REQUEST_METHOD", "REQUEST_URI",
					    "HTTP_HOST", "REMOTE_ADDR" };
	static const char *const most[] = {
		"AUTH_ACTION", "AUTH_REQUIRE", "AUTH_SECRET",	 "HTTPS",
		"SERVER_PORT", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_ORIGIN",
	};

	for (size_t i = 0; i < ARRAY_LEN(once); i++)
		assert(count(m, once[i]) == 1);
	for (size_t i = 0; i < ARRAY_LEN(most); i++)
		assert(count(m, most[i]) <= 1);
	assert(r->ncookies == count(m, "HTTP_COOKIE"));
	assert(r->authorization_twice == (count(m, "HTTP_AUTHORIZATION") > 1));
	assert((r->origin.p != NULL) == (count(m, "HTTP_ORIGIN") == 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct param params[MAX_PARAMS];
	struct message m = { .params = params };
	struct arena *a = arena_new(64 * 1024);
	struct http_request r;
	struct str value;
	struct err err = { .code = ERR_NONE };

	if (a == NULL)
		return 0;
	read_message((struct str){ (const char *)data, n }, params, &m);
	if (http_request_parse(&m, a, &r, &err) == 0) {
		check_text(&r);
		check_counts(&m, &r);
		if (http_request_query(&r, STR("rd"), a, &value, &err) == 0)
			assert(value.p == NULL || str_is_utf8(value));
	} else {
		assert(err.code == ERR_INPUT);
		assert(r.path.p == NULL && r.ncookies == 0);
	}
	check_action(&m, &r);
	arena_free(a);
	return 0;
}
