/* SPDX-License-Identifier: MIT */
/*
 * Guessing is made slow: failures are counted by user name (whether there is
 * such a user or not) and by address (of IPv6 the /64), in the store, hence
 * by all instances together.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "auth/exchange.h"

/* What the store counts under; also what an administrator lifts. */
int throttle_user_key(struct arena *a, struct str user, struct str *key,
		      struct err *err) MUST_USE;
int throttle_address_key(struct arena *a, struct str address, struct str *key,
			 struct err *err) MUST_USE;

/* Of whom a login takes a hash slot: the IPv4 address, of IPv6 the /48. */
uint64_t throttle_network(struct arena *a, struct str address);

/* *seconds: how long user or address is banned yet; 0: neither is. */
int throttle_wait(struct exchange *e, struct str user, int64_t *seconds,
		  struct err *err) MUST_USE;

/* A failure; audits the ban that begins with it. */
int throttle_failure(struct exchange *e, struct str user, struct err *err)
    MUST_USE;

/* A success forgives the name; the address goes on, or one own account would
 * reset the count of guesses at others'. */
int throttle_success(struct exchange *e, struct str user, struct err *err)
    MUST_USE;

#endif
