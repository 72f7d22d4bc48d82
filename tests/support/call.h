/* SPDX-License-Identifier: MIT */
/* What an operation of a store or a user source is given in a test. */
#ifndef TESTS_CALL_H
#define TESTS_CALL_H

#include "strategy/call.h"

/* Of this arena, at this moment; for one operation. */
#define CALL_AT(a, at_ms)                                                      \
	(&(const struct call){ .arena = (a), .now_ms = (at_ms) })

#endif
