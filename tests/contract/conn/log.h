/* SPDX-License-Identifier: MIT */
/* Tests of log lines about a store: lost, back, slow, damaged. */
#ifndef CONTRACT_CONN_LOG_H
#define CONTRACT_CONN_LOG_H

#include "tests/support/run.h"

TCase *conn_log_cases(void);

#endif
