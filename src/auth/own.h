/* SPDX-License-Identifier: MIT */
/*
 * Our own addresses, as browsers see them.  server.hosts has the last word:
 * behind a balancer, or a published port, the web server knows another scheme
 * or port.  Where it names no origin of a host, the web server is believed.
 */
#ifndef AUTH_OWN_H
#define AUTH_OWN_H

#include "auth/exchange.h"

/* Sets e->site and e->jar by the host of the request. */
void own_find(struct exchange *e);

/* Does the service answer for this host? */
bool own_is_host(const struct exchange *e);

/* Does the browser see https? */
bool own_is_https(const struct exchange *e);

/* Is it an origin of this host: of those named, else of the scheme and the
 * port of the request?  `o->host` is known to be the host. */
bool own_has_origin(const struct exchange *e, const struct origin *o);

/*
 * Where the browser is, as well as can be told: of the named origins that of
 * the port in HTTP_HOST or SERVER_PORT, or the first one.  Else the request's
 * scheme and the port in HTTP_HOST, or SERVER_PORT when the login page has the
 * same: nginx's $host has none, and one that is forwarded is nobody's.
 */
void own_origin(const struct exchange *e, struct origin *out);

/* May a page of this host lead to that URL (http/redirect.h)? */
bool own_may_lead_to(const struct exchange *e, struct str url,
		     bool absolute_only);

/* Sets s->login_page from server.login_url. */
int own_login_page(struct service *s, struct arena *a,
		   struct err *err) MUST_USE;

#endif
