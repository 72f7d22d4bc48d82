/* SPDX-License-Identifier: MIT */
/* Tests of the secrets that a connection knows. */
#ifndef CONTRACT_CONN_SECRETS_H
#define CONTRACT_CONN_SECRETS_H

#include "tests/support/run.h"

TCase *conn_secrets_cases(void);

#endif
