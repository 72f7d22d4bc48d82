/* SPDX-License-Identifier: MIT */
/* A histogram of durations. */
#include "base/histogram.h"

#include <stdatomic.h>

const int64_t histogram_bounds_ms[HISTOGRAM_BOUNDS] = {
	1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500,
};

void
histogram_add(struct histogram *h, int64_t ms)
{
	size_t i = 0;

	if (ms < 0)
		ms = 0;
	while (i < HISTOGRAM_BOUNDS && ms > histogram_bounds_ms[i])
		i++;
	atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_ms, (uint64_t)ms,
				  memory_order_relaxed);
}

void
histogram_read(const struct histogram *h, struct histogram_counts *out)
{
	uint64_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(h->buckets); i++) {
		total +=
		    atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
		out->up_to[i] = total;
	}
	out->sum_ms = atomic_load_explicit(&h->sum_ms, memory_order_relaxed);
}
