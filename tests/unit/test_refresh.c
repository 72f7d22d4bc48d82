/* SPDX-License-Identifier: MIT */
/* Mode refresh as a function: rotation, grace, reuse, clocks, renewal. */
#include "tests/support/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/flow.h"

#define FORM	"application/x-www-form-urlencoded"
#define JSON	"application/json"
#define ACCESS	"__Host-fcgiauth_access"
#define REFRESH "__Secure-fcgiauth_refresh"
#define LOGIN	"__Host-fcgiauth_login"

static struct flow f;
static char folder[32];

static void
start(const char *grace)
{
	char ini[512];

	(void)snprintf(ini, sizeof(ini),
		       "[auth]\nmode = refresh\ndeliver = both\n"
		       "[store]\ndriver = memory\n"
		       "[jwt]\nsecret_file = %s/secret\nleeway = 0\n"
		       "[refresh]\ngrace = %s\n",
		       folder, grace);
	flow_init(&f, ini, NULL, NULL);
}

static void
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

static void
setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/fcgiauth.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	write_secret();
	start("10s");
}

static void
teardown(void)
{
	char path[64];

	flow_free(&f);
	(void)snprintf(path, sizeof(path), "%s/secret", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

struct tokens {
	const char *access, *refresh; /* kept until flow_free() */
	unsigned status;
};

static const char *
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

static struct tokens
tokens_of(const struct flow_answer *a)
{
	return (struct tokens){ .access = member(a, "access_token"),
				.refresh = member(a, "refresh_token"),
				.status = a->status };
}

static struct tokens
sign_in(const char *user)
{
	struct flow_answer a = flow_post(
	    &f, "/auth/login", JSON,
	    flow_text(&f, "{\"username\":\"%s\",\"password\":\"%s\"}", user,
		      FLOW_PASSWORD),
	    NULL);
	struct tokens t = tokens_of(&a);

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_nonnull(t.access);
	ck_assert_ptr_nonnull(t.refresh);
	ck_assert_str_eq(flow_cookie(&f, &a, ACCESS), t.access);
	ck_assert_str_eq(flow_cookie(&f, &a, REFRESH), t.refresh);
	return t;
}

static struct tokens
refresh(const char *token)
{
	struct flow_answer a = flow_post(
	    &f, "/auth/refresh", FORM,
	    flow_text(&f, "grant_type=refresh_token&refresh_token=%s", token),
	    NULL);

	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	return tokens_of(&a);
}

static unsigned
check(const char *access)
{
	return flow_verify(&f, "/",
			   flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s",
				     access),
			   NULL)
	    .status;
}

START_TEST(rotates)
{
	struct tokens t = sign_in("alice");

	for (int i = 0; i < 20; i++) {
		struct tokens next = refresh(t.refresh);

		ck_assert_uint_eq(next.status, 200);
		ck_assert_str_ne(next.refresh, t.refresh);
		ck_assert_uint_eq(check(next.access), 204);
		t = next;
		fake_env_advance(&f.world, 60);
	}
}
END_TEST

START_TEST(access_ends_refresh_goes_on)
{
	struct tokens t = sign_in("alice");

	fake_env_advance(&f.world, 599);
	ck_assert_uint_eq(check(t.access), 204);
	fake_env_advance(&f.world, 1);
	ck_assert_uint_eq(check(t.access), 401);
	t = refresh(t.refresh);
	ck_assert_uint_eq(t.status, 200);
	ck_assert_uint_eq(check(t.access), 204);
	/* Neither is taken for the other. */
	ck_assert_uint_eq(check(t.refresh), 401);
	ck_assert_uint_eq(refresh(t.access).status, 400);
}
END_TEST

START_TEST(grace_gives_the_same)
{
	struct tokens t = sign_in("alice");
	struct tokens a = refresh(t.refresh), b;

	fake_env_advance_ms(&f.world, 10000);
	b = refresh(t.refresh);
	ck_assert_uint_eq(b.status, 200);
	ck_assert_str_eq(a.refresh, b.refresh);
	ck_assert_uint_eq(check(b.access), 204);
	/* Its use does not prolong it. */
	fake_env_advance_ms(&f.world, 1);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	ck_assert_uint_eq(refresh(a.refresh).status, 400);
}
END_TEST

START_TEST(any_older_ends_the_login)
{
	for (int back = 2; back < 6; back++) {
		struct tokens t = sign_in("alice");
		const char *old = t.refresh;
		struct tokens bob = sign_in("bob");

		for (int i = 0; i < back; i++)
			t = refresh(t.refresh);
		ck_assert_uint_eq(refresh(old).status, 400);
		ck_assert_uint_eq(refresh(t.refresh).status, 400);
		ck_assert_uint_eq(refresh(bob.refresh).status, 200);
	}
}
END_TEST

START_TEST(strict_without_grace)
{
	struct tokens t;

	flow_free(&f);
	start("0");
	t = sign_in("alice");
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(forged_ones_do_nothing)
{
	struct tokens t = sign_in("alice");
	size_t n = strlen(t.refresh);
	char text[256];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "%s", t.refresh);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(refresh(text).status == 400, "character %zu", i);
	}
	ck_assert_uint_eq(refresh("").status, 400);
	ck_assert_uint_eq(refresh("x").status, 400);
	/* After all that the right one is as good as before. */
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
}
END_TEST

START_TEST(lifetimes)
{
	struct tokens t = sign_in("alice");
	const int64_t idle = 14 * 86400;

	fake_env_advance(&f.world, idle);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	t = sign_in("alice");
	for (int day = 0; day < 89; day++) {
		fake_env_advance(&f.world, 86400);
		t = refresh(t.refresh);
		ck_assert_msg(t.status == 200, "day %d", day);
	}
	fake_env_advance(&f.world, 86400);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(clock_steps)
{
	struct tokens t = sign_in("alice"), next;

	/* Back: rotation goes by secrets, not by time. */
	next = refresh(t.refresh);
	fake_env_set_wall(&f.world, FAKE_NOW - 3600);
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
	next = refresh(next.refresh);
	ck_assert_uint_eq(next.status, 200);
	/* The token of the time before begins in the future. */
	ck_assert_uint_eq(check(t.access), 401);
	/* Forward beyond all limits: over. */
	fake_env_set_wall(&f.world, FAKE_NOW + 400 * 86400);
	ck_assert_uint_eq(refresh(next.refresh).status, 400);
}
END_TEST

START_TEST(logout_kills_refresh)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a = flow_post(
	    &f, "/auth/logout", JSON, "",
	    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh));

	ck_assert_uint_eq(a.status, 204);
	ck_assert_str_eq(flow_cookie(&f, &a, ACCESS), "");
	ck_assert_str_eq(flow_cookie(&f, &a, REFRESH), "");
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	/* By the access token alone, as a program does. */
	t = sign_in("alice");
	a = flow_post(&f, "/auth/logout", JSON, "",
		      flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", t.access));
	ck_assert_uint_eq(a.status, 204);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(disabled_users_refresh_no_more)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a;

	f.users_table.v[0].who.roles = STR("dev");
	t = refresh(t.refresh);
	ck_assert_uint_eq(t.status, 200);
	a = flow_verify(&f, "/",
			flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", t.access),
			NULL);
	ck_assert(str_eq(flow_header(&a, "Remote-Groups"), STR("dev")));
	f.users_table.v[0].disabled = true;
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	f.users_table.v[0].disabled = false;
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(users_down_keeps_the_login)
{
	struct tokens t = sign_in("alice");
	struct tokens next;

	f.users_table.down = true;
	ck_assert_uint_eq(refresh(t.refresh).status, 503);
	f.users_table.down = false;
	fake_env_advance(&f.world, 2);
	next = refresh(t.refresh);
	ck_assert_uint_eq(next.status, 200);
	ck_assert_uint_eq(refresh(next.refresh).status, 200);
}
END_TEST

static struct flow_answer
navigate(const char *uri, const char *cookies)
{
	const char *const params[] = {
		flow_text(&f, "REQUEST_URI=%s", uri),
		"HTTP_SEC_FETCH_MODE=navigate",
		flow_text(&f, "HTTP_COOKIE=%s", cookies), NULL
	};

	return flow_ask(&f, false, params, NULL);
}

START_TEST(browser_renews_by_itself)
{
	struct tokens t = sign_in("alice");
	const char *cookies = flow_text(&f, REFRESH "=%s", t.refresh);
	struct flow_answer a = navigate("/auth/login?rd=/a%3Fb%3D1", cookies);

	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/a?b=1")));
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, ACCESS));
	ck_assert_str_ne(flow_cookie(&f, &a, REFRESH), t.refresh);
	/* The same again: a second tab, or a browser that keeps nothing. */
	a = navigate("/auth/login?rd=/a%3Fb%3D1", cookies);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("/auth/login?renewed=1&rd=%2Fa%3Fb%3D1")));
	a = navigate("/auth/login?renewed=1&rd=/a%3Fb%3D1", cookies);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "does not keep our cookies"));
}
END_TEST

START_TEST(renewal_cannot_loop)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a = navigate("/auth/login?rd=/a",
					flow_text(&f, REFRESH "=%s",
						  t.refresh));

	/* It keeps the refresh cookie and the mark, but no access cookie. */
	a = navigate("/auth/login?rd=/a",
		     flow_text(&f, REFRESH "=%s; " LOGIN "=%s",
			       flow_cookie(&f, &a, REFRESH),
			       flow_cookie(&f, &a, LOGIN)));
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "does not keep our cookies"));
	/* A dead refresh token shows the form. */
	a = navigate("/auth/login?rd=/a", REFRESH "=nonsense");
	ck_assert_uint_eq(a.status, 200);
	ck_assert(!flow_holds(a.body, "does not keep"));
	ck_assert_ptr_null(flow_cookie(&f, &a, REFRESH));
}
END_TEST

START_TEST(way_in_is_way_out)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a = flow_post(
	    &f, "/auth/refresh", "", "",
	    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh));

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, ACCESS));
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, REFRESH));
	ck_assert_ptr_null(member(&a, "refresh_token"));
	ck_assert_ptr_null(member(&a, "access_token"));
}
END_TEST

START_TEST(bad_requests)
{
	static const struct {
		const char *type, *body, *code;
	} rows[] = {
		{ FORM, "grant_type=password&refresh_token=x",
		  "unsupported_grant_type" },
		{ FORM, "refresh_token=x", "invalid_request" },
		{ FORM, "grant_type=refresh_token", "invalid_request" },
		{ FORM, "grant_type=refresh_token&refresh_token=x",
		  "invalid_grant" },
		{ FORM,
		  "grant_type=refresh_token&refresh_token=x&refresh_token=x",
		  "invalid_request" },
		{ JSON,
		  "{\"grant_type\":\"refresh_token\",\"refresh_token\":\"x\"}",
		  "invalid_grant" },
		{ JSON, "[]", "invalid_request" },
		{ FORM, "", "invalid_grant" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a = flow_post(&f, "/auth/refresh",
						 rows[i].type, rows[i].body,
						 NULL);

		ck_assert_msg(a.status == 400, "row %zu: %u", i, a.status);
		ck_assert_msg(strcmp(member(&a, "error"), rows[i].code) == 0,
			      "row %zu: %s", i, member(&a, "error"));
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("refresh");
	TCase *t = tcase_create("refresh");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rotates);
	tcase_add_test(t, access_ends_refresh_goes_on);
	tcase_add_test(t, grace_gives_the_same);
	tcase_add_test(t, any_older_ends_the_login);
	tcase_add_test(t, strict_without_grace);
	tcase_add_test(t, forged_ones_do_nothing);
	tcase_add_test(t, lifetimes);
	tcase_add_test(t, clock_steps);
	tcase_add_test(t, logout_kills_refresh);
	tcase_add_test(t, disabled_users_refresh_no_more);
	tcase_add_test(t, users_down_keeps_the_login);
	tcase_add_test(t, browser_renews_by_itself);
	tcase_add_test(t, renewal_cannot_loop);
	tcase_add_test(t, way_in_is_way_out);
	tcase_add_test(t, bad_requests);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
