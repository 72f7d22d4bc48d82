/* SPDX-License-Identifier: MIT */
/* Tests of the end of a store. */
#ifndef CONTRACT_CONN_ENDS_H
#define CONTRACT_CONN_ENDS_H

#include "tests/support/run.h"

TCase *conn_ends_cases(void);

#endif
