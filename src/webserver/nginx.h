/* SPDX-License-Identifier: MIT */
/* What the checks of an nginx configuration share. */
#ifndef WEBSERVER_NGINX_H
#define WEBSERVER_NGINX_H

#include "base/str.h"
#include "webserver/webserver.h"

/* A block and the blocks around it, from which directives are inherited. */
struct nginx_scope {
	const struct nginx_scope *up; /* NULL: this is http */
	const struct web_node *node;
};

/* A `server` block that asks the service. */
struct nginx_server {
	struct web_findings *out;
	const struct web_node *http;
	const struct nginx_scope *scope;
	struct str check; /* the address of the check */
	/* it refuses clients that send Remote-User, before any location */
	bool refuses;
	bool refuses_basic;
};

/* One location, and what is known of it. */
struct nginx_place {
	const struct nginx_server *server;
	const struct nginx_scope *scope;
	struct str name; /* `location /x`, as shown in messages */
	bool guarded; /* the check is asked, and its verdict decides */
	bool opened; /* it has fcgiauth-public.conf */
};

/* Returns the scope whose directive of that name is in force in `s`; NULL when
 * there is none. */
const struct nginx_scope *nginx_owner(const struct nginx_scope *s,
				      const char *name);

/* Returns the first directive of that name that is in force in `s`; NULL when
 * there is none. */
const struct web_node *nginx_effective(const struct nginx_scope *s,
				       const char *name);

/* Returns the word of a flag or address that is in force; empty when there is
 * none. */
struct str nginx_value(const struct nginx_scope *s, const char *name);

/* Returns the `location` that `address` (a path or @name) leads to. Regular
 * expressions are not evaluated. NULL when none is known. */
const struct web_node *nginx_location(const struct web_node *server,
				      struct str address);

/* True when requests that are sent on to `address` are checked there. */
bool nginx_leads_to_check(const struct nginx_server *server,
			  struct str address);

/* Checks what the application could be told: headers, parameters, caches. */
void nginx_check_upstream(const struct nginx_place *p);

/* Checks what happens before the check or in place of it. */
void nginx_check_around(const struct nginx_place *p);

/* Checks where the rewrites of `block`, a server or an `if` of it, lead to. */
void nginx_check_rewrites(const struct nginx_server *server,
			  const struct web_node *block);

#endif
