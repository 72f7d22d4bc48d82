/* SPDX-License-Identifier: MIT */
/*
 * Addresses and networks (CIDR). An IPv4-mapped IPv6 address
 * (::ffff:192.0.2.1) is treated as IPv4; ::/0 matches no IPv4 address.
 */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include "base/base.h"

struct address {
	uint8_t b[16]; /* the first 4 for IPv4, then zeros */
	bool v4;
};

struct network {
	struct address first;
	unsigned bits;
};

/* Parses `192.0.2.1` or `2001:db8::1`, without brackets, zone or port. */
bool address_parse(struct str s, struct address *out) MUST_USE;

/*
 * Parses `10.0.0.0/8`, `2001:db8::/32` or a single address. Returns false also
 * when bits beyond the prefix are set: 10.0.0.1/8 may be a typing error.
 */
bool network_parse(struct str s, struct network *out) MUST_USE;

bool network_has(const struct network *n, const struct address *a);

#endif
