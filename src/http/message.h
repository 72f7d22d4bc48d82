/* SPDX-License-Identifier: MIT */
/* What a gateway hands over: named values and a body.  No FastCGI in it. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/base.h"

/* A CGI/1.1 meta-variable (RFC 3875): REQUEST_METHOD, HTTP_COOKIE... */
struct param {
	struct str name, value;
};

struct hash_place;

/* Borrowed from whoever decoded it, for the length of the request. */
struct message {
	const struct param *params;
	size_t nparams;
	struct str body;
	bool authorizer;     /* role AUTHORIZER, else RESPONDER */
	bool body_too_large; /* it was longer than allowed, and is not here */
	/* Where it can wait for its turn without a worker (auth/hash_slots.h);
	 * it is then handled again from the beginning.  NULL: nowhere. */
	struct hash_place *place;
};

#endif
