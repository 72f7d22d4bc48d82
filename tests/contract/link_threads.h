/* SPDX-License-Identifier: MIT */
/* Threads against one store that hangs. */
#ifndef TESTS_LINK_THREADS_H
#define TESTS_LINK_THREADS_H

#include <check.h>

TCase *link_thread_cases(void);

#endif
