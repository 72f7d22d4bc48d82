/* SPDX-License-Identifier: MIT */
/* Assertions that name the backend: r has `name` and `err`. */
#ifndef TESTS_EXPECT_H
#define TESTS_EXPECT_H

#include <string.h>

#include "tests/support/run.h"

#define OK(r, call)                                                            \
	ck_assert_msg((call) == 0, "%s: %s: %s", (r)->name, #call, (r)->err.msg)
#define HOLDS(r, cond) ck_assert_msg(cond, "%s: %s", (r)->name, #cond)
#define SAME(r, a, b)                                                          \
	ck_assert_msg((a) == (b), "%s: %s is %lld, not %s (%lld)", (r)->name,  \
		      #a, (long long)(a), #b, (long long)(b))
/* Tests that the call fails with this code, and that the message contains the
 * text. */
#define FAILS(r, call, expected, text)                                         \
	do {                                                                   \
		ck_assert_msg((call) == -1, "%s: passes: %s", (r)->name,       \
			      #call);                                          \
		ck_assert_msg((r)->err.code == (expected) &&                   \
				  strstr((r)->err.msg, text) != NULL,          \
			      "%s: %s: code %d: %s", (r)->name, #call,         \
			      (int)(r)->err.code, (r)->err.msg);               \
	} while (0)

#endif
