/* SPDX-License-Identifier: MIT */
/* Signing in and out: the pages, and the calls behind them. */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "auth/exchange.h"

/* A longer address of ours would not be taken: nginx reads request lines of up
 * to 8 KiB. */
#define LOGIN_LOCATION_MAX 8000

/*
 * The address of the login page that leads back to `uri`, a path of this host
 * with its query: a path of our own, absolute when one host signs in for
 * several (server.login_url).  It may be longer than LOGIN_LOCATION_MAX.
 */
int login_location(const struct exchange *e, struct str uri,
		   struct str *location, struct err *err) MUST_USE;

/* The token of a form of somebody who is not signed in: bound to a cookie of its
 * own, which the answer sets when it is not there.  *ok: it is the one. */
int login_csrf(struct exchange *e, struct str *csrf, struct err *err) MUST_USE;
int login_csrf_verify(struct exchange *e, struct str csrf, bool *ok,
		      struct err *err) MUST_USE;

void login_get(struct exchange *e);
void login_post(struct exchange *e);

void logout_get(struct exchange *e);
void logout_post(struct exchange *e);

#endif
