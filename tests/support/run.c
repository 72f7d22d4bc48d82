/* SPDX-License-Identifier: MIT */
/* Names of the runs of a test that is in a loop. */
#include "tests/support/run.h"

#include <assert.h>

struct loop_run {
	struct loop_run *next;
	TTest test;
	char name[];
};

static struct loop_run *runs;
static loop_label *label;

void
label_loops(loop_label *fn)
{
	label = fn;
}

static void
add_run(TCase *t, const TTest *test, int i)
{
	char number[16];
	const char *what = number;
	struct loop_run *run;
	size_t n;

	(void)snprintf(number, sizeof(number), "%d", i);
	if (label != NULL)
		what = label(i);
	n = strlen(test->name) + strlen(what) + sizeof("[]");
	run = malloc(sizeof(*run) + n);
	assert(run != NULL);
	run->test = *test;
	run->test.name = run->name;
	(void)snprintf(run->name, n, "%s[%s]", test->name, what);
	run->next = runs;
	runs = run;
	tcase_add_loop_exit_test(t, &run->test, 0, i, i + 1);
}

void
add_loop_test(TCase *t, const TTest *test, int from, int to)
{
	for (int i = from; i < to; i++)
		add_run(t, test, i);
}

void
free_loops(void)
{
	for (struct loop_run *next; runs != NULL; runs = next) {
		next = runs->next;
		free(runs);
	}
}
