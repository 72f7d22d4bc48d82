/* SPDX-License-Identifier: MIT */
/* A service with the smallest configuration, for each test. */
#ifndef UNIT_AUTH_FLOW_FIXTURE_H
#define UNIT_AUTH_FLOW_FIXTURE_H

#include "tests/support/run.h"

#include "tests/support/flow.h"

#define FORM   "application/x-www-form-urlencoded"
#define JSON   "application/json"
#define COOKIE "__Host-fcgiauth"
#define PRE    "__Host-fcgiauth_login"

static struct flow f;

static inline void
setup(void)
{
	flow_init(&f, NULL);
}

static inline void
teardown(void)
{
	flow_free(&f);
}

#endif
