/* SPDX-License-Identifier: MIT */
/* Addresses and networks. */
#include "base/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

#define MAPPED_BITS 96 /* of ::ffff:0:0/96 */

static unsigned
width(const struct address *a)
{
	return a->v4 ? 32 : 128;
}

/* *mapped is set to whether s is an IPv4-mapped IPv6 address, which becomes
 * IPv4 in *out. */
static bool
network_parse_address(struct str s, struct address *out, bool *mapped)
{
	static const uint8_t prefix[MAPPED_BITS / 8] = {
		[10] = 0xff, [11] = 0xff
	};
	struct address a = { .v4 = false };
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text) || str_find(s, '\0') < s.n)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*mapped = false;
	a.v4 = inet_pton(AF_INET, text, a.b) == 1;
	if (!a.v4 && inet_pton(AF_INET6, text, a.b) != 1)
		return false;
	if (!a.v4 && memcmp(a.b, prefix, sizeof(prefix)) == 0) {
		*mapped = a.v4 = true;
		memcpy(a.b, a.b + sizeof(prefix), 4);
		memset(a.b + 4, 0, sizeof(a.b) - 4);
	}
	*out = a;
	return true;
}

bool
address_parse(struct str s, struct address *out)
{
	bool mapped;

	return network_parse_address(s, out, &mapped);
}

/* Returns the mask for byte i of an address in a network of `bits` bits. */
static uint8_t
mask(unsigned bits, unsigned i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	return bits <= 8 * i ? 0 : (uint8_t)(0xff00U >> (bits - 8 * i));
}

bool
network_parse(struct str s, struct network *out)
{
	struct str address = { .p = s.p, .n = str_find(s, '/') };
	struct str bits = str_skip(s, address.n + 1);
	struct network n;
	int64_t number;
	bool mapped;

	if (!network_parse_address(address, &n.first, &mapped))
		return false;
	n.bits = width(&n.first);
	if (address.n < s.n) {
		const int64_t offset = mapped ? MAPPED_BITS : 0;

		if (bits.n > 3 ||
		    !str_to_uint(bits, n.bits + offset, &number) ||
		    number < offset)
			return false;
		n.bits = (unsigned)(number - offset);
	}
	for (unsigned i = 0; i < sizeof(n.first.b); i++) {
		if ((n.first.b[i] & ~mask(n.bits, i)) != 0)
			return false;
	}
	*out = n;
	return true;
}

bool
network_has(const struct network *n, const struct address *a)
{
	bool same = n->first.v4 == a->v4;

	for (unsigned i = 0; same && i < sizeof(a->b); i++)
		same = n->first.b[i] == (a->b[i] & mask(n->bits, i));
	return same;
}
