/* SPDX-License-Identifier: MIT */
/* Who am I; is the service alive; is it of use. */
#ifndef AUTH_STATUS_H
#define AUTH_STATUS_H

#include "auth/exchange.h"

/*
 * What /ready found last: one worker at a time looks, and not more often than
 * once a second, so that nobody can keep the store busy with it.
 */
struct probe;

struct probe *probe_new(void) MUST_USE; /* NULL: out of memory */
void probe_free(struct probe *p);	/* NULL is allowed */

void me_get(struct exchange *e);
void health_get(struct exchange *e);
void ready_get(struct exchange *e);

#endif
