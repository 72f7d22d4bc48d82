/* SPDX-License-Identifier: MIT */
/* What the checks of an nginx configuration share. */
#ifndef WEBSERVER_NGINX_H
#define WEBSERVER_NGINX_H

#include "base/str.h"
#include "webserver/webserver.h"

/* A block and those around it: where a directive is inherited from. */
struct nginx_scope {
	const struct nginx_scope *up; /* NULL: http */
	const struct web_node *node;
};

/* A `server` that asks the service. */
struct nginx_server {
	struct web_findings *out;
	const struct web_node *http;
	const struct nginx_scope *scope;
	struct str check; /* the address of the check */
	bool refuses; /* a client that says who it is, before any location */
	bool refuses_basic;
};

/* What one location is asked about. */
struct nginx_place {
	const struct nginx_server *server;
	const struct nginx_scope *scope;
	struct str name; /* `location /x`, for people */
	bool guarded; /* the check is asked, and its answer holds */
	bool opened; /* by fcgiauth-public.conf */
};

/* The scope that has the directive of that name for `s`; NULL: none. */
const struct nginx_scope *nginx_owner(const struct nginx_scope *s,
				      const char *name);

/* The first directive of that name that holds in `s`; NULL: none. */
const struct web_node *nginx_effective(const struct nginx_scope *s,
				       const char *name);

/* The word of a flag or address that holds; empty: none. */
struct str nginx_value(const struct nginx_scope *s, const char *name);

/* The `location` that `address` (a path or @name) leads to, regular
 * expressions aside; NULL: none that can be told. */
const struct web_node *nginx_location(const struct web_node *server,
				      struct str address);

/* Is what a request is sent on to by `address` checked there? */
bool nginx_leads_to_check(const struct nginx_server *server,
			  struct str address);

/* What the application could be told: headers, parameters, caches. */
void nginx_check_upstream(const struct nginx_place *p);

/* What comes before the check or in place of it. */
void nginx_check_around(const struct nginx_place *p);

/* Where the rewrites of `block`, a server or an `if` of it, lead to. */
void nginx_check_rewrites(const struct nginx_server *server,
			  const struct web_node *block);

#endif
