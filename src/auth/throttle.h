/* SPDX-License-Identifier: MIT */
/*
 * Limits how many passwords a person may guess. Each attempt to sign in is
 * counted before its password is tried. The counters are in the store, so all
 * instances share them. An attempt is counted under the name of the user, even
 * if there is no such user, and under the address of the client, unless the
 * address is in limits.trusted. An IPv6 address is counted under its /64 and
 * under its /48, which is allowed ten times as many failures.
 *
 * In a network where the user has signed in before, the name has a separate
 * counter. Attackers in other networks therefore cannot lock the user out of
 * this one, and an attacker in this network may guess no more often than
 * elsewhere. In this paragraph a network is an IPv4 address or an IPv6 /64.
 * A user has at most NETWORKS_MAX such networks, which limits the number of
 * separate counters.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "auth/ban_key.h"
#include "auth/request_context.h"
#include "auth/hash_slots.h"

#define THROTTLE_COUNTERS (1 + BAN_ADDRESS_KEYS)
#define THROTTLE_KNOWN_MS (INT64_C(90) * 86400 * 1000)

/* A sign-in and the keys that it is counted under. The texts are in the arena
 * of the request. */
struct throttle {
	/* The name as the user source has it, or the text as it was typed
	 * when it does not mean one user. */
	struct str user;
	struct login_keys keys;
	enum ban_kind kinds[THROTTLE_COUNTERS]; /* of the keys in keys.v */
	/* The last answer of the store; zero before the first one. */
	struct login_count count;
	/* Whether the address and the name are valid, so that the store can
	 * keep this network for this user. */
	bool has_network;
};

/* Returns whether the address of the client is in limits.trusted. */
bool throttle_trusts(const struct request_context *ctx);

/* Makes the keys of a sign-in. It does not ask the store for counters or
 * bans. */
int throttle_begin(struct request_context *ctx, struct str user,
		   struct throttle *out, struct err *err) MUST_USE;

/*
 * Returns for which network and account a sign-in takes a hash slot. The
 * network is the IPv4 address or the IPv6 /48. The account is the counter of
 * the user. It is the separate counter of a known network if an earlier call
 * has asked the store and the network is known; then sign-ins from other
 * networks do not use its slots. An account may have as many slots as it may
 * have attempts.
 */
struct hash_claim throttle_claim(const struct request_context *ctx,
				 const struct throttle *t);

/* Asks the store whether the network is known and whether a key is banned, and
 * counts nothing. Sets *seconds to the rest of the longest ban, or to 0. */
int throttle_wait(struct request_context *ctx, struct throttle *t,
		  int64_t *seconds, struct err *err) MUST_USE;

enum throttle_answer {
	THROTTLE_BANNED = 0, /* a key is banned for *seconds */
	/* No key is banned, but attempts that have not ended yet use up what a
	 * key is allowed. The client may try again soon. */
	THROTTLE_FULL,
	THROTTLE_COUNTED, /* the password may be tried */
};

/*
 * Asks the store the same, and counts the attempt under all its keys. With an
 * answer other than THROTTLE_COUNTED it is counted under none of them.
 *
 * After THROTTLE_COUNTED the caller must call one of the three functions below.
 * If it cannot, because its process was killed, the attempt stays counted until
 * the end of its window, but it does not begin a ban.
 */
int throttle_count(struct request_context *ctx, struct throttle *t,
		   enum throttle_answer *answer, int64_t *seconds,
		   struct err *err) MUST_USE;

/* Ends a counted attempt whose password was wrong. For each key that has now
 * reached its maximum, begins a ban and audits it. */
int throttle_failure(struct request_context *ctx, const struct throttle *t,
		     struct err *err) MUST_USE;

/* Ends a counted attempt whose password was right. Resets the counter of the
 * user, and removes this one attempt from the counters of the address: if it
 * reset these, an attacker could do so with an account of their own. The
 * network of the user is known from now on. */
int throttle_success(struct request_context *ctx, const struct throttle *t,
		     struct err *err) MUST_USE;

/* Removes a counted attempt whose password could not be checked. A failure of
 * the store is logged, and the attempt then stays counted until the end of its
 * window. */
void throttle_undo(struct request_context *ctx, const struct throttle *t);

#endif
