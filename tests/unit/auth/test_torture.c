/* SPDX-License-Identifier: MIT */
/*
 * Every route, while each allocation and each call of the store fails in turn:
 * there must be no crash, no leak, no unjustified 2xx, no lost session and no
 * cleared cookie. The cache is off, or empty, or knows the credential.
 */
#include "tests/unit/modes/refresh_fixture.h"

/* One kind of request. */
struct route_case {
	const char *name;
	const char *action; /* AUTH_ACTION=..., or NULL */
	bool authorizer;
	const char *method, *uri, *type, *body;
	bool cookie;
	unsigned expected;
};

/* The request is allowed anyway, without an identity if that is unknown. */
static bool
is_open(const struct route_case *c)
{
	return strcmp(c->uri, "/open") == 0;
}

static const struct route_case cases[] = {
	{ "verify", "AUTH_ACTION=verify", false, "GET", "/a?b", "", "", true,
	  204 },
	{ "verify, nobody", "AUTH_ACTION=verify", false, "GET", "/a", "", "",
	  false, 401 },
	{ "authorizer", NULL, true, "GET", "/a", "", "", true, 200 },
	{ "authorizer, nobody", NULL, true, "GET", "/a", "", "", false, 302 },
	{ "regex", "AUTH_ACTION=verify", false, "GET", "/re/x", "", "", true,
	  204 },
	{ "denied", "AUTH_ACTION=verify", false, "GET", "/re/1", "", "", true,
	  403 },
	{ "public", "AUTH_ACTION=verify", false, "GET", "/open", "", "", true,
	  204 },
	{ "public, nobody", "AUTH_ACTION=verify", false, "GET", "/open", "", "",
	  false, 204 },
	{ "public, authorizer", NULL, true, "GET", "/open", "", "", true, 200 },
	{ "challenge", "AUTH_ACTION=challenge", false, "GET", "/a", "", "",
	  false, 302 },
	{ "challenge, signed in", "AUTH_ACTION=challenge", false, "GET", "/a",
	  "", "", true, 403 },
	{ "login page", NULL, false, "GET", "/auth/login?rd=/x", "", "", false,
	  200 },
	{ "login page, signed in", NULL, false, "GET", "/auth/login?rd=/x", "",
	  "", true, 303 },
	{ "login", NULL, false, "POST", "/auth/login", JSON,
	  "{\"username\":\"alice\",\"password\":\"" FLOW_PASSWORD "\"}", false,
	  200 },
	{ "login, wrong", NULL, false, "POST", "/auth/login", JSON,
	  "{\"username\":\"alice\",\"password\":\"wrong\"}", false, 401 },
	{ "login form, no token", NULL, false, "POST", "/auth/login", FORM,
	  "username=alice&password=x&csrf=y", false, 403 },
	{ "logout page", NULL, false, "GET", "/auth/logout", "", "", true,
	  200 },
	{ "logout", NULL, false, "POST", "/auth/logout", JSON, "", true, 204 },
	{ "me", NULL, false, "GET", "/auth/me", "", "", true, 200 },
	{ "ready", NULL, false, "GET", "/auth/ready", "", "", false, 200 },
	{ "health", NULL, false, "GET", "/auth/health", "", "", false, 200 },
	{ "preflight", NULL, false, "OPTIONS", "/auth/me", "", "", false, 204 },
	{ "not found", NULL, false, "GET", "/auth/none", "", "", false, 404 },
	{ "wrong method", NULL, false, "DELETE", "/auth/me", "", "", false,
	  405 },
	{ "late refresh", NULL, false, "POST", "/auth/refresh", "", "", true,
	  200 },
	{ "late login page", NULL, false, "GET", "/auth/login?rd=/x", "", "",
	  true, 303 },
	{ "late sign-out page", NULL, false, "GET", "/auth/logout", "", "",
	  true, 303 },
	{ "late logout", NULL, false, "POST", "/auth/logout", JSON, "", true,
	  204 },
};

static const char *const modes[] = { "session", "refresh", "jwt" };
#define MODES ((int)ARRAY_LEN(modes))

/* A run of a test: a route, a mode, and what the cache has. */
enum caching { CACHING_OFF, CACHING_EMPTY, CACHING_KNOWS, CACHING_KINDS };
#define RUNS (CACHING_KINDS * MODES * (int)ARRAY_LEN(cases))

struct run {
	const struct route_case *c;
	int mode;
	enum caching caching;
};

static struct run
run_of(int i)
{
	return (struct run){ .caching = (enum caching)(i % CACHING_KINDS),
			     .mode = i / CACHING_KINDS % MODES,
			     .c = &cases[i / CACHING_KINDS / MODES] };
}

/* The access token has expired, and the refresh token is left. */
static bool
is_late(const struct route_case *c)
{
	return str_starts(str_from(c->name), STR("late "));
}

/* In mode refresh, a sign-out ends the session of its access token and then
 * that of its refresh token; in mode jwt it denies the token and then removes
 * the session. A failure of the second step is after the end. */
static bool
may_have_ended(const struct route_case *c, int mode)
{
	return mode != 0 && str_eq(str_from(c->name), STR("logout"));
}

/* Late requests exist in mode refresh only. */
static bool
is_asked(const struct route_case *c, int mode)
{
	return mode == 1 || !is_late(c);
}

static struct flow_answer
ask(const struct route_case *c, const char *cookie)
{
	const char *const params[] = {
		flow_text(&f, "REQUEST_METHOD=%s", c->method),
		flow_text(&f, "REQUEST_URI=%s", c->uri),
		flow_text(&f, "CONTENT_TYPE=%s", c->type),
		"HTTP_SEC_FETCH_MODE=navigate",
		c->cookie ? cookie : "HTTP_NONE=",
		c->action != NULL ? c->action : "HTTP_NONE=",
		"HTTP_ACCESS_CONTROL_REQUEST_METHOD=GET",
		"HTTP_ORIGIN=https://app.example.com",
		NULL
	};

	return flow_ask(&f, c->authorizer, params, c->body);
}

/* The permitted answers when something fails. */
static void
check_closed(const struct route_case *c, const struct flow_answer *a,
	     unsigned step)
{
	static const char *const names[] = { "__Host-fcgiauth", ACCESS,
					     REFRESH };

	ck_assert_msg(a->status == 0 || a->status == 403 || a->status >= 500 ||
			  (is_open(c) && a->status == c->expected),
		      "%s, step %u: the status is %u", c->name, step,
		      a->status);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ck_assert_msg(flow_cookie(&f, a, names[i]) == NULL,
			      "%s, step %u: the answer sets a cookie", c->name,
			      step);
	}
	ck_assert_msg(flow_header(a, "Remote-User").p == NULL &&
			  flow_header(a, "Variable-REMOTE_USER").p == NULL,
		      "%s, step %u: the answer has an identity", c->name, step);
}

/* A configuration without bans, because many sign-ins fail. */
static const char patient[] = "revocation = store\n"
			      "[cors]\norigins = https://app.example.com\n"
			      "[rule open]\npath = /open\n"
			      "require = public\n"
			      "[rule regex]\npath_regex = /re/[a-z]+\n"
			      "require = user\n"
			      "[rule deny]\npath = /re\nrequire = deny\n"
			      "[rule rest]\nrequire = user\n"
			      "[limits]\nlogin_attempts = 1000\n";

/* Returns the cookies of a new sign-in. */
static const char *
cookies_of(const struct route_case *c, int mode)
{
	struct flow_answer a;
	struct tokens t;

	if (mode == 0)
		return flow_login(&f, "bob");
	if (mode == 2) {
		a = flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL);
		return flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s",
				 flow_cookie(&f, &a, ACCESS));
	}
	t = sign_in("bob");
	return flow_text(&f, "HTTP_COOKIE=%s=%s; " REFRESH "=%s",
			 is_late(c) ? "x" : ACCESS, t.access, t.refresh);
}

/* Starts the service, signs in, and returns the cookies. */
static const char *
begin(const struct run *r)
{
	const char *cookies;

	use_mode(modes[r->mode], patient);
	if (r->caching != CACHING_OFF)
		flow_cache(&f);
	cookies = cookies_of(r->c, r->mode);
	if (r->caching == CACHING_KNOWS && !is_late(r->c))
		ck_assert_uint_eq(flow_verify(&f, "/", cookies, NULL).status,
				  204);
	return cookies;
}

START_TEST(failed_allocation_is_safe)
{
	const struct run r = run_of(_i);
	const struct route_case *c = r.c;
	struct flow_answer a = { .status = 0 };
	const char *cookie;
	unsigned step;

	if (!is_asked(c, r.mode))
		return;
	cookie = begin(&r);
	for (step = 1; step < 1000; step++) {
		if (is_late(c))
			cookie = begin(&r);
		f.fail_after = step;
		a = ask(c, cookie);
		if (!f.arena_failed)
			break;
		check_closed(c, &a, step);
	}
	ck_assert_msg(step > 3, "%s: no allocation has failed", c->name);
	ck_assert_msg(a.status == c->expected,
		      "%s: the status without a failure is %u", c->name,
		      a.status);
}
END_TEST

/* The n-th call of the store fails, alone or with all later ones. */
static void
fail_store(const struct run *r, bool stay_down)
{
	const struct route_case *c = r->c;
	struct flow_answer a = { .status = 0 };
	const char *cookie;
	unsigned step;

	for (step = 1; step < 100; step++) {
		cookie = begin(r);
		store_faulty_fail(&f.faulty, step, stay_down);
		a = ask(c, cookie);
		if (atomic_load(&f.faulty.failed) == 0) {
			ck_assert_msg(a.status == c->expected,
				      "%s: the status is %u", c->name,
				      a.status);
			return;
		}
		ck_assert_msg(a.status == (is_open(c) ? c->expected : 503),
			      "%s, call %u fails: the status is %u", c->name,
			      step, a.status);
		ck_assert_msg(is_open(c) ||
				  flow_header(&a, "Retry-After").p != NULL,
			      "%s, call %u fails: there is no Retry-After",
			      c->name, step);
		check_closed(c, &a, step);
		/* The session is unchanged when the store works again. */
		store_faulty_fail(&f.faulty, 0, false);
		fake_env_advance_ms(&f.fake, 2000);
		ck_assert_msg(is_late(c) || may_have_ended(c, r->mode) ||
				  flow_verify(&f, "/", cookie, NULL).status ==
				      204,
			      "%s, call %u fails: the session is lost", c->name,
			      step);
	}
	ck_abort_msg("%s: every call fails", c->name);
}

START_TEST(failed_store_call_is_safe)
{
	const struct run r = run_of(_i);

	if (!is_asked(r.c, r.mode))
		return;
	fail_store(&r, false);
	fail_store(&r, true);
}
END_TEST

START_TEST(sign_in_needs_random_numbers)
{
	struct flow_answer a;

	(void)begin(&(struct run){ .c = &cases[0] });
	atomic_store(&f.fake.no_entropy, true);
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	ck_assert_uint_eq(a.status, 503);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	a = flow_get(&f, "/auth/login", NULL, NULL);
	ck_assert_uint_eq(a.status, 503);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("torture");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, failed_allocation_is_safe, 0, RUNS);
	tcase_add_loop_test(t, failed_store_call_is_safe, 0, RUNS);
	tcase_add_test(t, sign_in_needs_random_numbers);
	return run_case(t);
}
