/* SPDX-License-Identifier: MIT */
/* A request as a web server sends it, with changes, for tests of http/. */
#ifndef UNIT_HTTP_MESSAGE_H
#define UNIT_HTTP_MESSAGE_H

#include "http/request.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/support/run.h"

#define MAX_PARAMS 64

static struct arena *arena;
static struct param params[MAX_PARAMS];
static struct message message;
static struct http_request request;
static struct err failure;

static inline void
setup(void)
{
	arena = arena_new(1024 * 1024);
	ck_assert_ptr_nonnull(arena);
	message = (struct message){ .params = params };
}

static inline void
teardown(void)
{
	arena_free(arena);
}

static inline void
add(struct str name, struct str value)
{
	ck_assert_uint_lt(message.nparams, MAX_PARAMS);
	params[message.nparams++] = (struct param){ name, value };
}

/* Adds a parameter from "NAME=value". */
static inline void
add_text(const char *pair)
{
	struct str s = str_from(pair);
	size_t at = str_find(s, '=');

	add((struct str){ s.p, at }, str_skip(s, at + 1));
}

/* Parses params[] as they are. */
static inline int
parse_again(void)
{
	failure = (struct err){ .code = ERR_NONE };
	return http_request_parse(&message, arena, &request, &failure);
}

static const char *const good[] = {
	"REQUEST_METHOD=GET",
	"REQUEST_URI=/a/b?c=d",
	"HTTP_HOST=example.com",
	"REMOTE_ADDR=192.0.2.1",
};

/* Parses the request that a web server sends. `changes`, which end with NULL,
 * replace parameters of `good`; a change "NAME" without '=' removes one. */
static inline int
parse(const char *const *changes)
{
	message.nparams = 0;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		size_t name = strcspn(good[i], "=");
		bool keep = true;

		for (size_t k = 0; changes[k] != NULL; k++) {
			if (strcspn(changes[k], "=") == name &&
			    strncmp(changes[k], good[i], name) == 0)
				keep = false;
		}
		if (keep)
			add_text(good[i]);
	}
	for (size_t k = 0; changes[k] != NULL; k++) {
		if (strchr(changes[k], '=') != NULL)
			add_text(changes[k]);
	}
	return parse_again();
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__ NULL })
#define ck_str(s, text)                                                        \
	ck_assert_msg(str_eq(s, str_from(text)),                               \
		      "the value is \"%.*s\", not \"%s\"", STR_ARG(s), text)

#endif
