/* SPDX-License-Identifier: MIT */
/*
 * A negative result sets every output: each is filled with invalid data first,
 * like memory of a stack, and must be zero or empty afterwards.
 */
#include "tests/unit/modes/refresh_fixture.h"

#include "auth/credential.h"

#define RUBBISH 0xa5

static const struct principal no_grant;

/* Requests without a credential that counts. */
static const char *const nobody[] = {
	"HTTP_X_NOTHING=",
	"HTTP_AUTHORIZATION=Basic YTpi",
	"HTTP_AUTHORIZATION=Bearer dead",
	"HTTP_AUTHORIZATION=Bearer ",
	"HTTP_COOKIE=" ACCESS "=dead",
	"HTTP_COOKIE=" ACCESS "=",
	"HTTP_COOKIE=" ACCESS "=a; " ACCESS "=b",
	"HTTP_COOKIE=" REFRESH "=a",
	"HTTP_COOKIE=" REFRESH "=a; " REFRESH "=b",
	"HTTP_COOKIE=" LOGIN "=a",
};

static struct request_context *
ask(struct flow_exchange *x, const char *param)
{
	const char *const params[] = { param, NULL };

	flow_exchange(&f, params, x);
	return &x->e;
}

START_TEST(outputs_are_zero_without_identity)
{
	struct flow_exchange x;
	struct request_context *ctx = ask(&x, nobody[_i]);
	struct auth_result is;
	struct str token;
	struct err err;

	memset(&is, RUBBISH, sizeof(is));
	memset(&token, RUBBISH, sizeof(token));
	ck_assert_int_eq(credential_identify(ctx, &is, &token, &err), 0);
	ck_assert_int_eq(is.verdict, VERDICT_DENY);
	ck_assert_mem_eq(&is.principal, &no_grant, sizeof(is.principal));
	ck_assert_uint_le(token.n, sizeof("dead") - 1);
	memset(&is, RUBBISH, sizeof(is));
	memset(&token, RUBBISH, sizeof(token));
	ck_assert_int_eq(credential_authenticate(ctx, &is, &token, &err), 0);
	ck_assert_int_eq(is.verdict, VERDICT_DENY);
	ck_assert_mem_eq(&is.principal, &no_grant, sizeof(is.principal));
	ck_assert_uint_le(token.n, sizeof("dead") - 1);
}
END_TEST

START_TEST(outputs_are_zero_without_credential)
{
	struct flow_exchange x;
	struct request_context *ctx = ask(&x, nobody[_i]);
	struct str token;

	memset(&token, RUBBISH, sizeof(token));
	if (credential_find(ctx, &token) <= CREDENTIAL_ABSENT)
		ck_assert_uint_eq(token.n, 0);
	memset(&token, RUBBISH, sizeof(token));
	if (credential_find_refresh(ctx, &token) <= CREDENTIAL_ABSENT)
		ck_assert_uint_eq(token.n, 0);
	ck_assert_uint_le(token.n, 1);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("outputs");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, outputs_are_zero_without_identity, 0,
			    ARRAY_LEN(nobody));
	tcase_add_loop_test(t, outputs_are_zero_without_credential, 0,
			    ARRAY_LEN(nobody));
	return run_case(t);
}
