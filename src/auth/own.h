/* SPDX-License-Identifier: MIT */
/*
 * The addresses of this service as browsers see them. server.hosts takes
 * precedence: behind a load balancer or a published port, the web server knows
 * another scheme or port. For a host without an origin in server.hosts, the
 * values of the web server are used.
 */
#ifndef AUTH_OWN_H
#define AUTH_OWN_H

#include "auth/request_context.h"

/* Sets e->site and e->jar by the host of the request. */
void own_find(struct request_context *ctx);

/* Returns true when the service answers for this host. */
bool own_is_host(const struct request_context *ctx);

/* Returns true when the browser uses https. */
bool own_is_https(const struct request_context *ctx);

/* Returns true when `o` is an origin of this host: one of those configured, or,
 * if there are none, one with the scheme and port of the request. The caller
 * must have checked that `o->host` is the host. */
bool own_has_origin(const struct request_context *ctx, const struct origin *o);

/*
 * Determines the origin that the browser uses, as far as possible. Of the
 * configured origins, this is the one with the port in HTTP_HOST or
 * SERVER_PORT, or the first one. If there are none, it has the scheme of the
 * request and the port in HTTP_HOST, or SERVER_PORT if the login page has the
 * same port: the $host of nginx has no port, and the web server does not know a
 * forwarded port.
 */
void own_origin(const struct request_context *ctx, struct origin *out);

/* Returns true when a page of this host may redirect to the URL
 * (http/redirect.h). */
bool own_may_lead_to(const struct request_context *ctx, struct str url,
		     bool absolute_only);

/* Returns the address of a page of this service, such as "/login", on this
 * host. When out of memory, it is empty and the response has failed. */
struct str own_page(struct request_context *ctx, const char *page);

/* Returns true when the path of the request is that of a link that works once,
 * and has its secret. */
bool own_is_link(const struct request_context *ctx);

/* Returns the path of the request for logs and pages: a link that works once is
 * without its secret. */
struct str own_shown_path(const struct request_context *ctx);

/* The same, but as the client sent the path; that of a malformed request, too.
 * It may have any bytes. */
struct str own_shown_address(const struct request_context *ctx);

/* Sets s->login_page from server.login_url. */
int own_login_page(struct service *s, struct arena *a,
		   struct err *err) MUST_USE;

#endif
