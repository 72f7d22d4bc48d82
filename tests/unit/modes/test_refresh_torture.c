/* SPDX-License-Identifier: MIT */
/*
 * A refresh that fails because memory or the store is not available does not
 * end the session: the same token works when it is used again.
 */
#include "tests/unit/modes/refresh_fixture.h"

/* Refreshes with the cookie, with a form, or by opening the login page. */
static struct flow_answer
refresh_by(int way, const char *token)
{
	const char *cookie = flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", token);
	const char *const page[] = { "REQUEST_URI=/auth/login?rd=/x",
				     "HTTP_SEC_FETCH_MODE=navigate", cookie,
				     NULL };

	if (way == 0)
		return flow_post(&f, "/auth/refresh", "", "", cookie);
	if (way == 1)
		return flow_post(&f, "/auth/refresh", FORM,
				 flow_text(&f,
					   "grant_type=refresh_token&"
					   "refresh_token=%s",
					   token),
				 NULL);
	return flow_ask(&f, false, page, NULL);
}

static const unsigned good[] = { 200, 200, 303 };

START_TEST(refresh_without_memory_keeps_the_token)
{
	struct flow_answer a = { .status = 0 };
	const char *token = sign_in("alice").refresh;
	unsigned step;

	for (step = 1; step < 500; step++) {
		f.fail_after = step;
		a = refresh_by(_i, token);
		if (!f.arena_failed)
			break;
		ck_assert_msg(a.status == 0 || a.status >= 500,
			      "step %u: the status is %u", step, a.status);
		ck_assert_msg(flow_cookie(&f, &a, REFRESH) == NULL,
			      "step %u sets a cookie", step);
	}
	ck_assert_uint_gt(step, 10);
	ck_assert_uint_eq(a.status, good[_i]);
	ck_assert_uint_eq(refresh_by(_i, token).status, good[_i]);
}
END_TEST

START_TEST(failed_store_keeps_the_token)
{
	struct flow_answer a;
	bool failed = true;

	for (unsigned step = 1; failed; step++) {
		const char *token;

		use_mode("refresh", "");
		token = sign_in("alice").refresh;
		store_faulty_fail(&f.faulty, step, false);
		a = refresh_by(_i, token);
		failed = atomic_load(&f.faulty.failed) > 0;
		ck_assert_msg(a.status == (failed ? 503 : good[_i]),
			      "call %u fails: the status is %u", step,
			      a.status);
		ck_assert_msg(!failed || flow_cookie(&f, &a, REFRESH) == NULL,
			      "call %u fails: the answer sets the cookie",
			      step);
		store_faulty_fail(&f.faulty, 0, false);
		fake_env_advance_ms(&f.fake, 2000);
		a = refresh_by(_i, token);
		ck_assert_msg(a.status == good[_i],
			      "after call %u failed the status is %u", step,
			      a.status);
		ck_assert_uint_lt(step, 50);
	}
}
END_TEST

static int (*rotates)(void *conn, const struct call *c,
		      const struct rotation *r, struct rotated *out,
		      struct err *err);

/* Changes the result of a rotation, as a damaged record would. */
static int
rotate_wrongly(void *conn, const struct call *c, const struct rotation *r,
	       struct rotated *out, struct err *err)
{
	int rc = rotates(conn, c, r, out, err);

	out->wrapped[0] ^= 1;
	return rc;
}

START_TEST(damaged_successor_is_not_sent)
{
	struct flow_answer a;
	const char *token;

	rotates = f.faulty.ops.rotate;
	f.faulty.ops.rotate = rotate_wrongly;
	token = sign_in("alice").refresh;
	a = refresh_by(_i, token);
	ck_assert_uint_eq(a.status, 503);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert(!flow_holds(a.body, "access_token"));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("refresh torture");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, refresh_without_memory_keeps_the_token, 0,
			    ARRAY_LEN(good));
	tcase_add_loop_test(t, failed_store_keeps_the_token, 0,
			    ARRAY_LEN(good));
	tcase_add_loop_test(t, damaged_successor_is_not_sent, 0,
			    ARRAY_LEN(good));
	return run_case(t);
}
