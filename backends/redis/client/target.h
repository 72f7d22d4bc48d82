/* SPDX-License-Identifier: MIT */
/* Parses the settings of a section that uses Redis. */
#ifndef BACKENDS_REDIS_CLIENT_TARGET_H
#define BACKENDS_REDIS_CLIENT_TARGET_H

#include "backends/redis/client/wire.h"

#define REDIS_DB_MAX 1000000

struct redis_addresses {
	struct redis_address *v;
	size_t n;
};

struct redis_target {
	bool cluster, tls;
	struct redis_addresses servers; /* several only for a cluster */
	struct redis_addresses sentinels; /* if any, no servers */
	struct str sentinel_name;
	struct redis_login login, sentinel_login; /* tls is NULL in both */
};

/* Copies the texts into `a`. The message of ERR_CONFIG begins with the key. */
int redis_target_parse(const struct redis_conf *conf, struct arena *a,
		       struct redis_target *out, struct err *err) MUST_USE;

/* Parses `[::1]:6379`, `host:6379` or `host`. */
int redis_address_parse(struct str s, uint16_t port, struct redis_address *out,
			struct err *err) MUST_USE;

/* Parses the forms that url.c names. out->login may hold a secret. */
int redis_url_parse(struct str url, struct arena *a, struct redis_target *out,
		    struct err *err) MUST_USE;

#endif
