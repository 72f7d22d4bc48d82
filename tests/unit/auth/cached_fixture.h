/* SPDX-License-Identifier: MIT */
/* A service that answers checks from memory, in each mode. */
#ifndef UNIT_AUTH_CACHED_FIXTURE_H
#define UNIT_AUTH_CACHED_FIXTURE_H

#include "tests/unit/modes/refresh_fixture.h"

#include "auth/cache.h"

/* The modes whose checks ask the store, if they are not answered from memory.
 */
static const struct {
	const char *name, *more;
} kinds[] = {
	{ "session", "" },
	{ "refresh", "revocation = store\n" },
	{ "jwt", "revocation = store\n" },
};
#define KINDS ((int)ARRAY_LEN(kinds))

/* Returns the credential of a new session as a parameter. */
static inline const char *
credential(const char *user)
{
	struct flow_answer a = flow_sign_in(&f, user, FLOW_PASSWORD, NULL);

	ck_assert_uint_eq(a.status, 200);
	return flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s",
			 member(&a, "access_token"));
}

static inline void
use_cache(const char *mode, const char *more)
{
	use_mode(mode, more);
	flow_cache(&f);
}

/* Returns the calls of the store that a check makes, and compares its status.
 */
static inline unsigned
calls_of_check(const char *token, unsigned status)
{
	struct flow_answer a;

	store_faulty_fail(&f.faulty, 0, false);
	a = flow_verify(&f, "/", token, NULL);
	ck_assert_uint_eq(a.status, status);
	return atomic_load(&f.faulty.calls);
}

/* Signs in, and checks until the cache answers. */
static inline const char *
known_credential(const char *user)
{
	const char *token = credential(user);

	ck_assert_uint_ge(calls_of_check(token, 204), 1);
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
	return token;
}

static inline void
set_trust(enum cache_trust trust, int64_t until_ms)
{
	cache_set_trust(f.shared.cache, f.service->generation, trust, until_ms);
}

#endif
