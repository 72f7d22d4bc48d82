/* SPDX-License-Identifier: MIT */
/* Signing in and out: the pages, and the calls behind them. */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "auth/exchange.h"

void login_get(struct exchange *e);
void login_post(struct exchange *e);

void logout_get(struct exchange *e);
void logout_post(struct exchange *e);

#endif
