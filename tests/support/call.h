/* SPDX-License-Identifier: MIT */
/* What an operation of a store or a user source is given in a test. */
#ifndef TESTS_CALL_H
#define TESTS_CALL_H

#include "strategy/call.h"

/* Of this arena, at this moment; for one operation. */
#define CALL_AT(a, at_ms)                                                      \
	(&(const struct call){ .arena = (a), .now_ms = (at_ms) })

/* The same of a fixture, which has an arena `a` and a moment `now`. */
#define AT(r, at_ms) CALL_AT((r)->a, at_ms)
#define NOW(r)	     AT(r, (r)->now)

/* What some of them are told or asked, by position or by name. */
#define TOUCH(...)  (&(const struct touch){ __VA_ARGS__ })
#define DENIAL(...) (&(const struct denial){ __VA_ARGS__ })
#define ASKED(...)  (&(const struct denial_question){ __VA_ARGS__ })
#define LISTED(...) (&(const struct session_query){ __VA_ARGS__ })
#define REMARK(...) (&(const struct remark){ __VA_ARGS__ })
#define REHASH(...) (&(const struct hash_change){ __VA_ARGS__ })

#endif
