/* SPDX-License-Identifier: MIT */
/*
 * Checks of option values: option.check of the tables in conf/sections.c, each
 * called with the field, which is not empty; and rules over several options.
 */
#ifndef CONF_CHECKS_H
#define CONF_CHECKS_H

#include "base/base.h"

struct err;
struct settings;

int check_listen(const void *field, struct err *err) MUST_USE;
int check_peer_secret(const void *field, struct err *err) MUST_USE;
int check_hosts(const void *field, struct err *err) MUST_USE;
int check_rule_hosts(const void *field, struct err *err) MUST_USE;
int check_login_url(const void *field, struct err *err) MUST_USE;
int check_path(const void *field, struct err *err) MUST_USE;
int check_cookie_name(const void *field, struct err *err) MUST_USE;
int check_cookie_domain(const void *field, struct err *err) MUST_USE;
int check_redirect_allow(const void *field, struct err *err) MUST_USE;
int check_link_url(const void *field, struct err *err) MUST_USE;
int check_origins(const void *field, struct err *err) MUST_USE;
int check_methods(const void *field, struct err *err) MUST_USE;
int check_networks(const void *field, struct err *err) MUST_USE;
int check_header_name(const void *field, struct err *err) MUST_USE;

/* A rule over several options. Its problem is reported under this key. */
struct check_rule {
	const char *section, *key;
	int (*check)(const struct settings *s, struct err *err);
};

extern const struct check_rule check_rules[];
extern const size_t check_nrules;

/* Rules whose violation is only a warning: it may be intended. */
extern const struct check_rule check_warnings[];
extern const size_t check_nwarnings;

#endif
