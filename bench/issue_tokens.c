/* SPDX-License-Identifier: MIT */
/*
 * Prints COUNT different tokens, one a line, as the service would issue them to
 * the user alice.
 *
 *     issue_tokens KEYS ISSUER AUDIENCE TTL COUNT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/jwt.h"

#define MEMORY (1024 * 1024)

/* Makes the id of the n-th sign-in, which is also the id of its token. */
static struct str
issue_id_text(char out[33], uint64_t n)
{
	(void)snprintf(out, 33, "%032" PRIx64, n);
	return (struct str){ .p = out, .n = 32 };
}

static int
print_token(const struct keyring *keys, const struct jwt_policy *policy,
	    int64_t now, uint64_t n, struct err *err)
{
	char id[33];
	struct jwt_claims claims = {
		.sub = STR("alice"),
		.client_id = STR(JWT_CLIENT_ID),
		.roles = STR("admin,staff"),
		.jti = issue_id_text(id, n),
		.sid = issue_id_text(id, n),
		.iat = now,
		.exp = now + policy->ttl,
	};
	struct arena *a = arena_new(MEMORY);
	struct str token;
	int rc;

	if (a == NULL)
		return err_nomem(err);
	rc = jwt_issue(keys, policy, &claims, a, &token, err);
	if (rc == 0)
		(void)printf("%.*s\n", STR_ARG(token));
	arena_free(a);
	return rc;
}

static int
issue_print_all(char **argv, const struct env *env, struct arena *a,
		struct err *err)
{
	const struct jwt_policy policy = {
		.issuer = str_from(argv[2]),
		.audience = str_from(argv[3]),
		.ttl = strtoll(argv[4], NULL, 10),
	};
	const uint64_t count = strtoull(argv[5], NULL, 10);
	struct keyring *keys = arena_alloc(a, sizeof(*keys));

	if (keys == NULL)
		return err_nomem(err);
	if (keyring_load(argv[1], JWS_NONE, env, a, keys, err) != 0)
		return -1;
	for (uint64_t n = 0; n < count; n++) {
		if (print_token(keys, &policy, env_wall_ms(env) / 1000, n,
				err) != 0)
			return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const struct env env = env_real(NULL);
	struct arena *a = arena_new(MEMORY);
	struct err err;
	int rc;

	if (argc != 6 || a == NULL) {
		(void)fprintf(stderr, "usage: issue_tokens KEYS ISSUER "
				      "AUDIENCE TTL COUNT\n");
		return 2;
	}
	rc = issue_print_all(argv, &env, a, &err);
	if (rc != 0)
		(void)fprintf(stderr, "issue_tokens: %s\n", err.msg);
	arena_free(a);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
