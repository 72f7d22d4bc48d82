/* SPDX-License-Identifier: MIT */
/*
 * Requirements in words: `public | user | user:NAME | role:NAME`, any of them
 * is enough; or `deny` alone.
 */
#ifndef AUTH_REQUIRE_H
#define AUTH_REQUIRE_H

#include "strategy/identity.h"

/* Every word is one of the above; `deny` stands alone; at least one. */
bool require_is_valid(struct str words);

/* Valid, and `public` is one of the words. */
bool require_is_public(struct str words);

/* It is `deny`. */
bool require_is_deny(struct str words);

/*
 * Does a signed-in user meet it?  `public` asks no more than to be signed in:
 * it is the caller who lets the others in, where it may.  Invalid words are
 * met by nobody.
 */
bool require_is_met(struct str words, const struct identity *who);

#endif
