/* SPDX-License-Identifier: MIT */
/* A service in mode refresh or another one, for the tests of the modes. */
#ifndef UNIT_MODES_REFRESH_FIXTURE_H
#define UNIT_MODES_REFRESH_FIXTURE_H

#include "tests/support/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/flow.h"

#define FORM	"application/x-www-form-urlencoded"
#define JSON	"application/json"
#define SESSION "__Host-fcgiauth"
#define ACCESS	"__Host-fcgiauth_access"
#define REFRESH "__Secure-fcgiauth_refresh"
#define LOGIN	"__Host-fcgiauth_login"

static struct flow f;
static char folder[32];

/* Returns the configuration of a mode, with more lines of [jwt] or more
 * sections; valid until the next call. */
static inline const char *
ini_of(const char *mode, const char *more)
{
	static char ini[4096];

	(void)snprintf(ini, sizeof(ini),
		       "[auth]\nmode = %s\ndeliver = both\n"
		       "[store]\ndriver = memory\n"
		       "[jwt]\nsecret_file = %s/secret\n%s",
		       mode, folder, more);
	return ini;
}

/* Starts the service again, in another mode. */
static inline void
use_mode(const char *mode, const char *more)
{
	const char *ini = ini_of(mode, more);

	flow_free(&f);
	flow_init(&f, ini);
}

static inline void
write_secret(void)
{
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/secret", folder);
	(void)umask(077);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs("0123456789abcdef0123456789abcdef", file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static inline void
setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/fcgiauth.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	write_secret();
	flow_init(&f,
		  ini_of("refresh", "leeway = 0\n[refresh]\ngrace = 10s\n"));
}

static inline void
teardown(void)
{
	char path[64];

	flow_free(&f);
	(void)snprintf(path, sizeof(path), "%s/secret", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

struct tokens {
	const char *access, *refresh; /* valid until flow_free() */
	unsigned status;
};

static inline const char *
member(const struct flow_answer *a, const char *name)
{
	const char *quoted = flow_text(&f, "\"%s\":\"", name);
	struct str rest = a->body, value;

	while (rest.n > 0 && !str_starts(rest, str_from(quoted)))
		rest = str_skip(rest, 1);
	rest = str_skip(rest, strlen(quoted));
	if (rest.n == 0 || !str_cut(&rest, '"', &value))
		return NULL;
	return flow_text(&f, "%.*s", STR_ARG(value));
}

static inline struct tokens
tokens_of(const struct flow_answer *a)
{
	return (struct tokens){ .access = member(a, "access_token"),
				.refresh = member(a, "refresh_token"),
				.status = a->status };
}

static inline struct tokens
sign_in(const char *user)
{
	struct flow_answer a = flow_sign_in(&f, user, FLOW_PASSWORD, NULL);
	struct tokens t = tokens_of(&a);

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_nonnull(t.access);
	ck_assert_ptr_nonnull(t.refresh);
	ck_assert_str_eq(flow_cookie(&f, &a, ACCESS), t.access);
	ck_assert_str_eq(flow_cookie(&f, &a, REFRESH), t.refresh);
	return t;
}

static inline struct tokens
refresh(const char *token)
{
	struct flow_answer a =
	    flow_post(&f, "/auth/refresh", FORM,
		      flow_text(&f, "grant_type=refresh_token&refresh_token=%s",
				token),
		      NULL);

	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	return tokens_of(&a);
}

static inline unsigned
check(const char *access)
{
	return flow_verify(&f, "/",
			   flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s",
				     access),
			   NULL)
	    .status;
}

#endif
