/* SPDX-License-Identifier: MIT */
/* A request as the gateway passes it on: named values and a body. It does not
 * depend on FastCGI. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/base.h"

/* A CGI/1.1 meta-variable (RFC 3875): REQUEST_METHOD, HTTP_COOKIE... */
struct param {
	struct str name, value;
};

struct hash_place;

/*
 * A decoded request. It is borrowed from the decoder while the request lasts.
 */
struct message {
	const struct param *params;
	size_t nparams;
	struct str body;
	bool authorizer; /* role AUTHORIZER, else RESPONDER */
	/* the body was longer than allowed and is missing */
	bool body_too_large;
	/*
	 * Where the request can wait for a hash slot without occupying a worker
	 * (auth/hash_slots.h); it is then handled again from the beginning.
	 * NULL: it cannot wait.
	 */
	struct hash_place *place;
};

#endif
