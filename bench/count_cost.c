/* SPDX-License-Identifier: MIT */
/*
 * Measures what a check costs more because it is counted for /auth/metrics:
 * prints the processor time of one addition to a counter, as `count_ns=3.2`.
 */
#include "base/base.h"

#include <stdio.h>
#include <time.h>

#include "auth/metrics.h"

#define ROUNDS 50000000

static double
cpu_ns(void)
{
	struct timespec t = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* cannot fail */
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int
main(void)
{
	struct metrics *m = metrics_new(0);
	double began;

	if (m == NULL) {
		(void)fprintf(stderr, "count_cost: out of memory\n");
		return 1;
	}
	began = cpu_ns();
	for (int i = 0; i < ROUNDS; i++)
		metrics_add(m, m, METRIC_CHECK, 1);
	(void)printf("count_ns=%.2f\n", (cpu_ns() - began) / ROUNDS);
	metrics_free(m);
	return 0;
}
