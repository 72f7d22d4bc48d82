/* SPDX-License-Identifier: MIT */
/* The authority of a request or of a URL. */
#include "http/host.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

#define NAME_MAX_BYTES	253 /* RFC 1035 section 2.3.4, as text */
#define LABEL_MAX_BYTES 63

static bool
is_v6(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.n >= sizeof(text) || str_find(s, '\0') < s.n)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

static bool
is_name(struct str s)
{
	struct str label;

	if (str_ends(s, STR(".")))
		s.n--;
	if (s.n == 0 || s.n > NAME_MAX_BYTES)
		return false;
	while (str_cut(&s, '.', &label)) {
		if (label.n > LABEL_MAX_BYTES || !str_is_name(label, "-_"))
			return false;
	}
	return true;
}

static bool
is_port(struct str s)
{
	int64_t number;

	return s.n <= 5 && str_to_uint(s, UINT16_MAX, &number) && number > 0;
}

bool
host_split(struct str authority, struct str *host, struct str *port)
{
	struct str name = authority, after;
	bool bracketed = str_starts(authority, STR("["));

	name.n =
	    bracketed ? str_find(authority, ']') + 1 : str_find(authority, ':');
	if (name.n > authority.n)
		return false; /* '[' without ']' */
	after = str_skip(authority, name.n);
	if (bracketed && !is_v6((struct str){ name.p + 1, name.n - 2 }))
		return false;
	if (!bracketed && !is_name(name))
		return false;
	if (after.n > 0 && (after.p[0] != ':' || !is_port(str_skip(after, 1))))
		return false;
	*host = name;
	*port = str_skip(after, 1);
	return true;
}
