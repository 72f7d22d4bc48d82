/* SPDX-License-Identifier: MIT */
/* Finds the route of a request in a table of paths and methods. */
#ifndef AUTH_ROUTES_H
#define AUTH_ROUTES_H

#include "base/str.h"
#include "http/request.h"

struct arena;
struct request_context;

/* The longest segment, in bytes, that `*` stands for. */
#define ROUTE_SEGMENT_MAX 128

enum route_flags {
	/* Answered for every host, regardless of server.hosts. */
	ROUTE_ANY_HOST = 1 << 0,
	/* Changes state: has a body, and its origin is checked. */
	ROUTE_CHANGES = 1 << 1,
	ROUTE_ANY_BODY = 1 << 2, /* ignores the body */
};

struct route {
	enum http_method method; /* HTTP_GET includes HEAD */
	/* Below server.path. One of its segments may be `*`, which stands for
	 * 1 to ROUTE_SEGMENT_MAX letters, digits, `-` and `_`. A path without
	 * `*` takes precedence over one with it. */
	const char *path;
	void (*handle)(struct request_context *ctx);
	unsigned flags;
};

struct route_table {
	const struct route *v;
	size_t n;
};

struct route_match {
	bool known; /* some route has this path */
	const struct route *route; /* NULL: none with this path and method */
	struct str segment; /* what `*` stands for; empty if there is none */
};

/* Finds the route of a decoded path. */
struct route_match route_find(const struct route_table *table,
			      enum http_method method, struct str path);

/* Returns the methods of a known path as a list for the header Allow; p is
 * NULL if out of memory. */
struct str route_methods(const struct route_table *table, struct str path,
			 struct arena *a);

#endif
