/* SPDX-License-Identifier: MIT */
/* What each mode guarantees to its callers. */
#include "tests/unit/modes/refresh_fixture.h"
#include "tests/support/call.h"

#include <jansson.h>
#include <stdlib.h>

#include "strategy/registry.h"
#include "auth/credential.h"
#include "conf/problems.h"
#include "http/cookie.h"

#define RUBBISH 0xa5

static const struct principal no_grant;
static const struct session_id no_session;

static struct request_context *
begin(struct flow_exchange *x)
{
	static const char *const params[] = { NULL };

	flow_exchange(&f, params, x);
	return &x->e;
}

/* Invalid credentials; each has the length of some valid token. */
static const char *const strange[] = {
	"",
	"dead",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
	("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
};

static void
refuses(struct request_context *ctx, struct str token)
{
	const struct auth_mode_ops *ops = ctx->service->mode_ops;
	const void *mode = ctx->service->mode;
	struct auth_result is;
	struct err err;

	memset(&is, RUBBISH, sizeof(is));
	ck_assert_int_eq(ops->authenticate(mode, &ctx->call, token, &is, &err),
			 0);
	ck_assert_int_eq(is.verdict, VERDICT_DENY);
	ck_assert_mem_eq(&is.principal, &no_grant, sizeof(is.principal));
	memset(&is, RUBBISH, sizeof(is));
	ck_assert_int_eq(ops->revoke(mode, &ctx->call, token, &is, &err), 0);
	ck_assert_int_eq(is.verdict, VERDICT_DENY);
	ck_assert_mem_eq(&is.principal, &no_grant, sizeof(is.principal));
}

static void
prolongs_nothing(struct request_context *ctx, struct str token)
{
	const struct auth_mode_ops *ops = ctx->service->mode_ops;
	const void *mode = ctx->service->mode;
	const struct credentials *made;
	struct named_session named;
	struct refresh_result is;
	struct err err;

	memset(&is, RUBBISH, sizeof(is));
	memset(&named, RUBBISH, sizeof(named));
	if (ops->refresh != NULL) {
		ck_assert_int_eq(ops->refresh(mode, &ctx->call, token, SIZE_MAX,
					      &is, &err),
				 0);
		ck_assert_int_eq(is.answer, REFRESH_REFUSED);
		ck_assert_mem_eq(&is.principal, &no_grant,
				 sizeof(is.principal));
		made = &is.credentials;
		ck_assert_uint_eq(made->access.n + made->refresh.n, 0);
		ck_assert_int_eq(made->expires_in, 0);
		ck_assert_int_eq(made->evicted, 0);
	}
	if (ops->session_of != NULL) {
		ck_assert_int_eq(ops->session_of(mode, &ctx->call, token,
						 &named, &err),
				 0);
		ck_assert(!named.ours);
		ck_assert_mem_eq(&named.id, &no_session, sizeof(named.id));
	}
}

/* In mode jwt the store is not asked about a token that is not a JSON Web
 * Token. */
START_TEST(invalid_tokens_are_refused)
{
	static const char *const modes[] = { "session", "refresh", "jwt",
					     "jwt" };
	struct flow_exchange x;
	struct request_context *ctx;

	use_mode(modes[_i], _i == 3 ? "revocation = store\n" : "");
	ctx = begin(&x);
	store_faulty_fail(&f.faulty, 0, false);
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		refuses(ctx, str_from(strange[i]));
		prolongs_nothing(ctx, str_from(strange[i]));
	}
	ck_assert(_i < 2 || atomic_load(&f.faulty.calls) == 0);
}
END_TEST

/* A session lasts as long as the configuration says, whatever was asked for. */
START_TEST(remember_follows_the_configuration)
{
	static const struct {
		const char *offered;
		bool asked;
		int64_t expires_in, max_age;
	} rows[] = {
		{ "0", true, 1800, -1 },   { "0", false, 1800, -1 },
		{ "1s", true, 1, 1 },	   { "1d", true, 86400, 86400 },
		{ "1d", false, 1800, -1 },
	};
	struct flow_exchange x;
	struct request_context *ctx;
	struct credentials made;
	struct login login = { .hash = STR("x"), .remember = rows[_i].asked };
	struct err err;

	use_mode("session",
		 flow_text(&f, "[session]\nremember = %s\n", rows[_i].offered));
	login.who = f.users_table.v[0].who;
	ctx = begin(&x);
	ck_assert_int_eq(ctx->service->mode_ops->issue(ctx->service->mode,
						       &ctx->call, &login,
						       &made, &err),
			 0);
	ck_assert_int_eq(made.expires_in, rows[_i].expires_in);
	ck_assert_int_eq(made.cookie_max_age, rows[_i].max_age);
	ck_assert_int_eq(made.evicted, 0);
	ck_assert_uint_eq(made.refresh.n, 0);
}
END_TEST

/* A refresh tells the user, the session and its ends. */
START_TEST(refresh_tells_user_session_and_ends)
{
	static const struct {
		const char *mode;
		int64_t expires_in, ends_in, refresh_max_age;
	} rows[] = {
		{ "session", 1800, 43200, 0 },
		{ "refresh", 600, 90 * 86400, 14 * 86400 },
	};
	struct login login = { .remember = false };
	struct credentials made, next;
	const struct auth_mode_ops *ops;
	struct refresh_result is;
	struct flow_exchange x;
	struct request_context *ctx;
	struct principal principal;
	struct err err;
	int64_t now_ms;

	use_mode(rows[_i].mode, "");
	login.who = f.users_table.v[0].who;
	login.hash = f.users_table.v[0].hash;
	ctx = begin(&x);
	ops = ctx->service->mode_ops;
	now_ms = ctx->call.now_ms;
	ck_assert_int_eq(ops->issue(ctx->service->mode, &ctx->call, &login,
				    &made, &err),
			 0);
	ck_assert_int_eq(ops->refresh(ctx->service->mode, &ctx->call,
				      _i == 0 ? made.access : made.refresh,
				      SIZE_MAX, &is, &err),
			 0);
	principal = is.principal;
	next = is.credentials;
	ck_assert_int_eq(is.answer, REFRESH_DONE);
	ck_assert(str_eq(principal.who.name, STR("alice")));
	ck_assert_mem_eq(principal.session.b, made.session.b,
			 sizeof(made.session.b));
	ck_assert_mem_eq(next.session.b, made.session.b,
			 sizeof(made.session.b));
	ck_assert_int_eq(principal.expires_ms,
			 now_ms + 1000 * rows[_i].expires_in);
	ck_assert_int_eq(principal.ends_ms, now_ms + 1000 * rows[_i].ends_in);
	ck_assert_int_eq(next.expires_in, rows[_i].expires_in);
	ck_assert_int_eq(next.refresh_max_age, rows[_i].refresh_max_age);
}
END_TEST

/* Without random numbers a sign-in fails and leaves no session. */
START_TEST(issue_needs_random_numbers)
{
	static const char *const modes[] = { "session", "jwt", "refresh" };
	struct flow_answer a;

	use_mode(modes[_i], "");
	f.fake.no_entropy = true;
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	ck_assert_uint_eq(a.status, 503);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
}
END_TEST

static unsigned fills_left; /* calls that succeed before the generator fails */
static int (*fill_random)(void *ctx, void *buf, size_t n);

static int
fill_few(void *ctx, void *buf, size_t n)
{
	if (fills_left == 0)
		return -1;
	fills_left--;
	return fill_random(ctx, buf, n);
}

static size_t
count_sessions(void)
{
	store_faulty_fail(&f.faulty, 0, false);
	fake_env_advance(&f.fake, 10); /* the store is probed again */
	return flow_sessions(&f, NULL).n;
}

/* If any step of a sign-in fails, there is no session and no output. */
static bool
fails_to_issue(struct request_context *ctx)
{
	const struct auth_mode_ops *ops = ctx->service->mode_ops;
	const bool stores =
	    ops->needs_store == NULL || ops->needs_store(f.settings.mode.conf);
	struct credentials made, untouched;
	struct login login = { .who = f.users_table.v[0].who,
			       .hash = STR("x") };
	struct err err;
	int rc;

	memset(&made, RUBBISH, sizeof(made));
	memcpy(&untouched, &made, sizeof(made));
	rc = ops->issue(ctx->service->mode, &ctx->call, &login, &made, &err);
	ck_assert_uint_eq(count_sessions(), rc == 0 && stores ? 1 : 0);
	if (rc != 0)
		ck_assert_mem_eq(&made, &untouched, sizeof(made));
	return rc != 0;
}

START_TEST(failed_random_numbers_leave_no_session)
{
	static const char *const modes[] = { "session", "jwt", "refresh" };
	bool failed = true;

	for (unsigned n = 0; failed; n++) {
		struct flow_exchange x;
		struct request_context *ctx;

		ck_assert_uint_lt(n, 20);
		use_mode(modes[_i], "");
		ctx = begin(&x);
		fill_random = f.fake.env.rng.fill;
		fills_left = n;
		f.fake.env.rng.fill = fill_few;
		failed = fails_to_issue(ctx);
		ck_assert(failed || fills_left == 0);
		ck_assert(n > 0 || failed);
	}
}
END_TEST

START_TEST(failed_store_leaves_no_session)
{
	static const struct {
		const char *mode, *more;
		unsigned calls;
	} rows[] = { { "session", "", 3 },
		     { "jwt", "", 0 },
		     { "jwt", "revocation = store\n", 4 },
		     { "refresh", "", 4 } };

	for (unsigned n = 1; n <= rows[_i].calls + 1; n++) {
		struct flow_exchange x;
		struct request_context *ctx;

		use_mode(rows[_i].mode, rows[_i].more);
		ctx = begin(&x);
		store_faulty_fail(&f.faulty, n, false);
		ck_assert_msg(fails_to_issue(ctx) == (n <= rows[_i].calls),
			      "wrong result of issue() when call %u fails", n);
	}
}
END_TEST

static void *
no_memory(size_t n)
{
	(void)n;
	return NULL;
}

/* A lack of memory is an error, and not an invalid token. */
START_TEST(lack_of_memory_is_an_error)
{
	static const char *const modes[] = { "jwt", "refresh" };
	const struct auth_mode_ops *ops;
	struct login login = { .hash = STR("x") };
	struct credentials made;
	struct flow_exchange x;
	struct request_context *ctx;
	struct auth_result is;
	struct err err;

	use_mode(modes[_i], "");
	login.who = f.users_table.v[0].who;
	ctx = begin(&x);
	ops = ctx->service->mode_ops;
	ck_assert_int_eq(ops->issue(ctx->service->mode, &ctx->call, &login,
				    &made, &err),
			 0);
	json_set_alloc_funcs(no_memory, free);
	ck_assert_int_eq(ops->authenticate(ctx->service->mode, &ctx->call,
					   made.access, &is, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_INTERNAL);
	json_set_alloc_funcs(malloc, free);
	ck_assert_int_eq(ops->authenticate(ctx->service->mode, &ctx->call,
					   made.access, &is, &err),
			 0);
	ck_assert_int_eq(is.verdict, VERDICT_ALLOW);
}
END_TEST

static bool
is_accepted(const char *mode, const char *section, const char *key, long value,
	    const char *unit)
{
	struct arena *a = arena_new(1024 * 1024);
	const char *ini = flow_text(&f,
				    "[auth]\nmode = %s\n"
				    "[store]\ndriver = memory\n"
				    "[users]\ndriver = htpasswd\nfile = /u\n"
				    "[%s]\n%s = %ld%s\n",
				    mode, section, key, value, unit);
	struct settings_drivers drivers;
	struct settings settings;
	struct problems problems;
	bool is;

	problems_init(&problems, a);
	ck_assert_int_eq(registry_drivers(a, &drivers), 0);
	is = settings_parse(str_from(ini), "t.ini", &drivers, a, &settings,
			    &problems) == 0;
	arena_free(a);
	return is;
}

START_TEST(options_have_their_ranges)
{
	static const long day = 86400;
	static const struct {
		const char *mode, *section, *key;
		long least, most;
		const char *unit;
	} rows[] = {
		{ "session", "session", "idle_timeout", 1, 365 * day, "s" },
		{ "session", "session", "absolute_timeout", 1, 365 * day, "s" },
		{ "session", "session", "remember", 0, 400 * day, "s" },
		{ "session", "session", "max_per_user", 0, 1000000, "" },
		{ "refresh", "refresh", "idle_timeout", 1, 400 * day, "s" },
		{ "refresh", "refresh", "absolute_timeout", 1, 400 * day, "s" },
		{ "refresh", "refresh", "grace", 0, 60, "s" },
		{ "refresh", "jwt", "ttl", 1, 30 * day, "s" },
		{ "jwt", "jwt", "ttl", 1, 30 * day, "s" },
		{ "jwt", "jwt", "leeway", 0, 120, "s" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct {
			long value;
			bool accepted;
		} tries[] = { { rows[i].least - 1, false },
			      { rows[i].least, true },
			      { rows[i].most, true },
			      { rows[i].most + 1, false } };

		for (size_t k = 0; k < ARRAY_LEN(tries); k++)
			ck_assert_msg(is_accepted(rows[i].mode, rows[i].section,
						  rows[i].key, tries[k].value,
						  rows[i].unit) ==
					  tries[k].accepted,
				      "wrong answer to [%s] %s = %ld%s",
				      rows[i].section, rows[i].key,
				      tries[k].value, rows[i].unit);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("modes");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, invalid_tokens_are_refused, 0, 4);
	tcase_add_loop_test(t, remember_follows_the_configuration, 0, 5);
	tcase_add_loop_test(t, refresh_tells_user_session_and_ends, 0, 2);
	tcase_add_loop_test(t, issue_needs_random_numbers, 0, 3);
	tcase_add_loop_test(t, failed_random_numbers_leave_no_session, 0, 3);
	tcase_add_loop_test(t, failed_store_leaves_no_session, 0, 4);
	tcase_add_loop_test(t, lack_of_memory_is_an_error, 0, 2);
	tcase_add_test(t, options_have_their_ranges);
	return run_case(t);
}
