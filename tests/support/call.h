/* SPDX-License-Identifier: MIT */
/* The arguments of operations of stores and user sources in tests. */
#ifndef TESTS_CALL_H
#define TESTS_CALL_H

#include "strategy/call.h"

/* A call with this arena and this time, for one operation. */
#define CALL_AT(a, at_ms)                                                      \
	(&(const struct call){ .arena = (a), .now_ms = (at_ms) })

/* The same for a fixture, which has an arena `a` and a time `now`. */
#define AT(r, at_ms) CALL_AT((r)->a, at_ms)
#define NOW(r)	     AT(r, (r)->now)

/* Structs that some operations take, with members by position or by name. */
#define TOUCH(...)  (&(const struct touch){ __VA_ARGS__ })
#define DENIAL(...) (&(const struct denial){ __VA_ARGS__ })
#define ASKED(...)  (&(const struct denial_question){ __VA_ARGS__ })
#define LISTED(...) (&(const struct session_query){ __VA_ARGS__ })
#define REMARK(...) (&(const struct remark){ __VA_ARGS__ })
#define REHASH(...) (&(const struct hash_change){ __VA_ARGS__ })

#endif
