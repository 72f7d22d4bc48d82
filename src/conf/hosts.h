/* SPDX-License-Identifier: MIT */
/*
 * What server.hosts, names and origins, means for the other options: rules of
 * conf/checks.h.  Each is 0, or -1 with what is wrong, to be said of one key.
 */
#ifndef CONF_HOSTS_H
#define CONF_HOSTS_H

#include "base/base.h"

struct err;
struct settings;

/* server.hosts: no host by both http and https, as one of the two would get
 * the cookies of the other. */
int hosts_have_one_scheme(const struct settings *s, struct err *err) MUST_USE;

/* server.login_url is on one of our hosts, and one of its origins. */
int hosts_serve_login(const struct settings *s, struct err *err) MUST_USE;

/* server.login_url is https, or on loopback, or an origin that we name. */
int hosts_allow_plain_login(const struct settings *s, struct err *err) MUST_USE;

/* cookie.same_site = none: no host gets cookies that are not Secure. */
int hosts_suit_same_site(const struct settings *s, struct err *err) MUST_USE;

/* cookie.domain is above each of our hosts. */
int hosts_are_below_domain(const struct settings *s, struct err *err) MUST_USE;

/* A warning of server.hosts: a rule with `host` guards nothing while any host
 * is answered for. */
int hosts_guard_rules(const struct settings *s, struct err *err) MUST_USE;

/* A warning of cookie.secure: no, beside a host with an https origin, whose
 * cookies are Secure all the same. */
int hosts_want_secure(const struct settings *s, struct err *err) MUST_USE;

/* A warning of cookie.domain: empty, while the login is at another host, whose
 * cookie ours never get. */
int hosts_share_login(const struct settings *s, struct err *err) MUST_USE;

/* A warning of redirect.allow: a bare name, of which no origin is known, is not
 * in it, while the login is at another host. */
int hosts_may_be_returned_to(const struct settings *s,
			     struct err *err) MUST_USE;

#endif
