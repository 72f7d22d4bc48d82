/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations, in buckets of fixed bounds. All threads may use
 * one; it starts as zeros.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/base.h"

#define HISTOGRAM_BOUNDS 11

/* The upper bounds of the buckets in milliseconds, in ascending order. The last
 * bucket has none. */
extern const int64_t histogram_bounds_ms[HISTOGRAM_BOUNDS];

struct histogram {
	_Atomic uint64_t buckets[HISTOGRAM_BOUNDS + 1];
	_Atomic uint64_t sum_ms;
};

/* Adds a duration; a negative one counts as 0. */
void histogram_add(struct histogram *h, int64_t ms);

struct histogram_counts {
	/* How many durations were at most each bound; the last one is all. */
	uint64_t up_to[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_ms;
};

void histogram_read(const struct histogram *h, struct histogram_counts *out);

#endif
