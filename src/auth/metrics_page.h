/* SPDX-License-Identifier: MIT */
/* The endpoint /metrics: what the service counts, as text for Prometheus. */
#ifndef AUTH_METRICS_PAGE_H
#define AUTH_METRICS_PAGE_H

#include "auth/request_context.h"

/*
 * Answers with the metrics of this process. 404, as if there were no such
 * endpoint, if they are disabled, if the client is not in metrics.network, or
 * unless the web server shows them by AUTH_METRICS=yes.
 */
void metrics_get(struct request_context *ctx);

#endif
