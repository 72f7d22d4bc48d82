/* SPDX-License-Identifier: MIT */
/* Tests of several threads with one unresponsive store. */
#ifndef CONTRACT_CONN_THREADS_H
#define CONTRACT_CONN_THREADS_H

#include "tests/support/run.h"

TCase *conn_thread_cases(void);

#endif
