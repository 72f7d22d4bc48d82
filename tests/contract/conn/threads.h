/* SPDX-License-Identifier: MIT */
/* Threads against one store that hangs. */
#ifndef CONTRACT_CONN_THREADS_H
#define CONTRACT_CONN_THREADS_H

#include "tests/support/run.h"

TCase *link_thread_cases(void);

#endif
