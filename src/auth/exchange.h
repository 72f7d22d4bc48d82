/* SPDX-License-Identifier: MIT */
/* One request on its way through auth/: what handlers get. */
#ifndef AUTH_EXCHANGE_H
#define AUTH_EXCHANGE_H

#include "auth/service.h"
#include "http/request.h"
#include "http/response.h"

struct exchange {
	struct call call;
	const struct service *service;
	const struct site *site; /* of server.hosts; NULL: not one of them */
	const struct cookie_jar *jar; /* the cookies of this host */
	const struct http_request *in;
	struct http_response *out;
	struct hash_place *place; /* of the message; NULL: none */
	bool queued; /* there is no answer yet: it waits in its place */
};

#endif
