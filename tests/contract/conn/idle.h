/* SPDX-License-Identifier: MIT */
/* Tests of connections that end while they are idle. */
#ifndef CONTRACT_CONN_IDLE_H
#define CONTRACT_CONN_IDLE_H

#include "tests/support/run.h"

TCase *conn_idle_cases(void);

#endif
