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
	const struct http_request *in;
	struct http_response *out;
};

#endif
