/* SPDX-License-Identifier: MIT */
/*
 * Requirements: a list of the words `public | user | user:NAME | role:NAME`, of
 * which meeting one is enough; or `deny` alone.
 */
#ifndef AUTH_REQUIRE_H
#define AUTH_REQUIRE_H

#include "strategy/identity.h"

/* Returns true when there is at least one word, every word is one of the above,
 * and `deny` stands alone. */
bool require_is_valid(struct str words);

/* Returns true when the words are valid and include `public`. */
bool require_is_public(struct str words);

/* Returns true when the requirement is `deny`. */
bool require_is_deny(struct str words);

/*
 * Returns true when a signed-in user meets the requirement. Here, every
 * signed-in user meets `public`; the caller must allow visitors that are not
 * signed in, where that is permitted. No user meets invalid words.
 */
bool require_is_met(struct str words, const struct identity *who);

#endif
