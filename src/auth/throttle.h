/* SPDX-License-Identifier: MIT */
/*
 * Guessing is made slow.  Each attempt is counted before the password is
 * looked at, in the store, hence by all instances together: under the user's
 * name (whether there is such a user or not), and under the address, unless it
 * is in limits.trusted; of IPv6 under the /64 and, with ten times the
 * allowance, under the /48.
 *
 * In a network where the user has signed in before, the name has a counter of
 * that network's own: strangers who guess elsewhere do not lock its owner out,
 * and those who guess there have no more tries than others.  Network is here
 * the IPv4 address, of IPv6 the /64.  What is counted nowhere else is bounded
 * by NETWORKS_MAX networks of a user.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "auth/ban_key.h"
#include "auth/request_context.h"
#include "auth/hash_slots.h"

#define THROTTLE_COUNTERS (1 + BAN_ADDRESS_KEYS)
#define THROTTLE_KNOWN_MS (INT64_C(90) * 86400 * 1000)

/* One login and what it is counted under; in the arena of the request. */
struct throttle {
	struct str user; /* as the source spells it, or as it was typed */
	struct login_keys keys;
	enum ban_kind kinds[THROTTLE_COUNTERS]; /* of keys.v */
	struct login_count count; /* as far as the store was asked */
	bool has_network; /* the user can be known in it */
};

/* Finds the counters of a login.  Does not ask the store. */
int throttle_begin(struct request_context *ctx, struct str user,
		   struct throttle *out, struct err *err) MUST_USE;

/* Of whom a login takes a hash slot: its network, which is the IPv4 address,
 * of IPv6 the /48; and its account, which is not that of strangers in networks
 * where the user is known, if the store was asked.  An account has no more
 * slots than attempts. */
struct hash_claim throttle_claim(const struct request_context *ctx,
				 const struct throttle *t);

/* Finds whether the user is known in the network.  Sets *seconds to the rest of
 * the longest ban, or to 0. */
int throttle_wait(struct request_context *ctx, struct throttle *t,
		  int64_t *seconds, struct err *err) MUST_USE;

enum throttle_answer {
	THROTTLE_BANNED = 0, /* for *seconds; nothing was counted */
	THROTTLE_FULL, /* as many are under way as may fail: try again soon */
	THROTTLE_COUNTED,
};

/* Does the same, and counts the attempt by all of its keys or by none.  An
 * attempt that none of the following functions ends, because its process was
 * killed, counts until the end of its window as a failure would, but begins no
 * ban. */
int throttle_count(struct request_context *ctx, struct throttle *t,
		   enum throttle_answer *answer, int64_t *seconds,
		   struct err *err) MUST_USE;

/* It has failed: where it used up the allowance a ban begins, and is
 * audited. */
int throttle_failure(struct request_context *ctx, const struct throttle *t,
		     struct err *err) MUST_USE;

/* It has succeeded.  The name's failures are forgotten; the addresses lose
 * this attempt alone, or one own account would reset the count of guesses at
 * others'.  The user is known in this network from now on. */
int throttle_success(struct request_context *ctx, const struct throttle *t,
		     struct err *err) MUST_USE;

/* Nobody can tell whether it was right: then it has not been.  What cannot be
 * taken back is logged, and counts until the end of its window. */
void throttle_undo(struct request_context *ctx, const struct throttle *t);

#endif
