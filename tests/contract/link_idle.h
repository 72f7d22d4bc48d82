/* SPDX-License-Identifier: MIT */
/* Connections that end while they are idle. */
#ifndef TESTS_LINK_IDLE_H
#define TESTS_LINK_IDLE_H

#include <check.h>

TCase *link_idle_cases(void);

#endif
