/* SPDX-License-Identifier: MIT */
/*
 * Rules of conf/checks.h over server.hosts (names and origins) and other
 * options. Each returns 0, or -1 with a message that is reported under one
 * key.
 */
#ifndef CONF_HOSTS_H
#define CONF_HOSTS_H

#include "base/base.h"

struct buf;
struct err;
struct settings;

/*
 * Adds the origin of the pages of this service, as the configuration has it:
 * that of server.login_url, or the first one of server.hosts, where a name
 * alone stands for https. hosts_know_origin() returns whether there is one;
 * otherwise nothing is added.
 */
bool hosts_know_origin(const struct settings *s);
void hosts_add_origin(const struct settings *s, struct buf *out);

/* server.hosts: a host must not have both http and https, because the cookies
 * of one scheme would be sent with the other. */
int hosts_have_one_scheme(const struct settings *s, struct err *err) MUST_USE;

/* server.login_url must be on one of the hosts; if the host has origins, it
 * must have one of them. */
int hosts_serve_login(const struct settings *s, struct err *err) MUST_USE;

/* server.login_url must be https, or on loopback, or one of the origins in
 * server.hosts. */
int hosts_allow_plain_login(const struct settings *s, struct err *err) MUST_USE;

/* cookie.same_site = none: no host may have cookies that are not Secure. */
int hosts_suit_same_site(const struct settings *s, struct err *err) MUST_USE;

/*
 * cookie.domain must be a parent of each host in server.hosts, or equal to it.
 */
int hosts_are_below_domain(const struct settings *s, struct err *err) MUST_USE;

/* A warning about server.hosts: a rule with `host` protects nothing while the
 * service answers for any host. */
int hosts_guard_rules(const struct settings *s, struct err *err) MUST_USE;

/* A warning about cookie.secure: it is no, but a host with an https origin has
 * Secure cookies all the same. */
int hosts_want_secure(const struct settings *s, struct err *err) MUST_USE;

/* A warning about cookie.domain: it is empty, but the login page is on another
 * host, whose cookie the other hosts never receive. */
int hosts_share_login(const struct settings *s, struct err *err) MUST_USE;

/* A warning about redirect.allow: it lacks a bare name, whose origin is not
 * known, while the login page is on another host. */
int hosts_may_be_returned_to(const struct settings *s,
			     struct err *err) MUST_USE;

#endif
