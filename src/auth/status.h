/* SPDX-License-Identifier: MIT */
/* Who am I; is the service alive; is it of use. */
#ifndef AUTH_STATUS_H
#define AUTH_STATUS_H

#include "auth/exchange.h"

void me_get(struct exchange *e);
void health_get(struct exchange *e);
void ready_get(struct exchange *e);

#endif
