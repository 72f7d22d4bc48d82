/* SPDX-License-Identifier: MIT */
/* Rules for times that another host may have written: the clocks of hosts may
 * differ. */
#ifndef STRATEGY_CLOCK_H
#define STRATEGY_CLOCK_H

#include "base/base.h"

/* The clocks of hosts differ by less than this, and no touch is delayed by
 * more. */
#define CLOCK_SLACK_MS INT64_C(300000)

/*
 * Returns whether this time was written while a clock was ahead that has been
 * corrected since. A session whose end was computed from it would last longer
 * by the same amount. The stores and the modes use this rule, in SQL and Lua
 * as well.
 */
static inline bool
seen_ahead(int64_t seen_ms, int64_t now_ms)
{
	return seen_ms - CLOCK_SLACK_MS > now_ms; /* times are never below 0 */
}

/* Returns whether now_ms is at most grace_ms after the beginning of a grace
 * period. It may be as much before it, because the clock of this host may be
 * behind; a grace period that begins later than that counts as over. */
static inline bool
in_grace(int64_t began_ms, int64_t grace_ms, int64_t now_ms)
{
	return grace_ms > 0 && now_ms - began_ms <= grace_ms &&
	       began_ms - now_ms <= grace_ms;
}

/* Returns now_ms + add_ms, or INT64_MAX if that would overflow; for the
 * stores. */
static inline int64_t
later_ms(int64_t now_ms, int64_t add_ms)
{
	return now_ms > INT64_MAX - add_ms ? INT64_MAX : now_ms + add_ms;
}

/* The difference that is allowed between the clocks of two instances. */
#define CLOCK_SKEW_MS 30000

/* Returns the latest possible end of a window or ban of span_ms that has begun,
 * by the clock of an instance that is ahead. */
static inline int64_t
latest_ms(int64_t now_ms, int64_t span_ms)
{
	const int64_t skew = span_ms < CLOCK_SKEW_MS ? span_ms : CLOCK_SKEW_MS;

	return later_ms(later_ms(now_ms, span_ms), skew);
}

#endif
