/* SPDX-License-Identifier: MIT */
/* The request context: the state of one request in auth/, which every handler
 * gets. */
#ifndef AUTH_REQUEST_CONTEXT_H
#define AUTH_REQUEST_CONTEXT_H

#include "auth/service.h"
#include "http/request.h"
#include "http/response.h"

struct request_context {
	struct call call;
	const struct service *service;
	/* Entry of server.hosts; NULL: the host is not listed. */
	const struct site *site;
	const struct cookie_jar *jar; /* the cookies of this host */
	const struct http_request *in;
	struct http_response *out;
	/* What `*` of the route stands for (auth/routes.h); or empty. */
	struct str segment;
	/* Place of the message in the queue; NULL: none. */
	struct hash_place *place;
	bool queued; /* no answer yet: the request waits in `place` */
	/* The thread must not wait. If the answer needs the store, the user
	 * source or another long operation, would_wait is set instead; what
	 * the response holds then is not an answer. */
	bool must_not_wait, would_wait;
};

#endif
