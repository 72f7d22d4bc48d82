/* SPDX-License-Identifier: MIT */
/* The keys of a section that speaks to Redis, understood. */
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
	struct redis_addresses servers; /* several: seeds of a cluster */
	struct redis_addresses sentinels; /* when there are any: no servers */
	struct str sentinel_name;
	struct redis_login login, sentinel_login; /* both without tls */
};

/* Copies what it keeps into `a`; ERR_CONFIG names the key. */
int redis_target_parse(const struct redis_conf *conf, struct arena *a,
		       struct redis_target *out, struct err *err) MUST_USE;

/* `[::1]:6379`, `host:6379`, `host`. */
int redis_address_parse(struct str s, uint16_t port, struct redis_address *out,
			struct err *err) MUST_USE;

/* The login of a URL is of its secrets; see redis_target.c for the forms. */
int redis_url_parse(struct str url, struct arena *a, struct redis_target *out,
		    struct err *err) MUST_USE;

#endif
