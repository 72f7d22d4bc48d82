/* SPDX-License-Identifier: MIT */
/* When a store is closed. */
#ifndef TESTS_LINK_ENDS_H
#define TESTS_LINK_ENDS_H

#include <check.h>

TCase *link_ends_cases(void);

#endif
