/* SPDX-License-Identifier: MIT */
/*
 * A failed function changes no output: each function is made to fail at every
 * allocation, call of the store and look-up of a user in turn, with invalid
 * data in all its outputs.
 */
#include "tests/unit/auth/regulation_fixture.h"

#include <string.h>

#include "auth/authenticate.h"
#include "auth/credential.h"
#include "auth/login.h"
#include "auth/pages.h"
#include "auth/recheck.h"
#include "auth/throttle.h"

#define RUBBISH	  0xa5
#define STEPS_MAX 200

struct outputs {
	struct login_result result;
	struct principal principal;
	struct user user;
	struct throttle throttle;
	enum throttle_answer counted;
	int64_t seconds;
	struct str text, keys[BAN_ADDRESS_KEYS];
	size_t n;
	bool still;
};

static struct throttle counted; /* the argument of throttle_count() */
static const char *cookie; /* a cookie of alice */
static unsigned asked;

static const char few[] = "[store]\ndriver = memory\n"
			  "[limits]\nlogin_attempts = 1\n"
			  "login_attempts_address = 100000\n";

static void
begin(void)
{
	flow_init(&f, few);
	quick_hashes();
	cookie = flow_login(&f, "alice");
	asked = 0;
}

static int
right_password(struct request_context *ctx, struct outputs *out,
	       struct err *err)
{
	return authenticate_password(ctx, STR("bob"), STR(FLOW_PASSWORD),
				     &out->result, err);
}

/* Each name has one attempt. */
static int
wrong_password(struct request_context *ctx, struct outputs *out,
	       struct err *err)
{
	return authenticate_password(ctx,
				     str_from(flow_text(&f, "n%u", asked++)),
				     STR("wrong"), &out->result, err);
}

static void
change_role(struct users_fake_table *t, unsigned nth)
{
	t->v[0].who.roles = nth % 2 == 0 ? STR("dev") : STR("ops");
}

static void
who_is_it(struct request_context *ctx, struct outputs *out)
{
	struct auth_result is;
	struct str token;
	struct err err;

	ck_assert_int_eq(credential_identify(ctx, &is, &token, &err), 0);
	ck_assert_int_eq(is.verdict, VERDICT_ALLOW);
	out->principal = is.principal;
	change_role(&f.users_table, asked++);
}

static int
recheck(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return recheck_user(ctx, &out->principal, &out->still, err);
}

static void
who_signs_in(struct request_context *ctx, struct outputs *out)
{
	(void)ctx;
	out->user = f.users_table.v[0];
	change_role(&f.users_table, asked++);
}

static int
confirm(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return authenticate_confirm(ctx, &out->user, STR(FLOW_PASSWORD),
				    &out->still, err);
}

static int
key_of_user(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return ban_key_user(ctx->call.arena, STR("alice"), &out->text, err);
}

static int
key_of_known(struct request_context *ctx, struct outputs *out, struct err *err)
{
	const struct known_network network = { .until_ms = 0 };

	return ban_key_known(ctx->call.arena, STR("alice"), &network,
			     &out->text, err);
}

static int
keys_of_address(struct request_context *ctx, struct outputs *out,
		struct err *err)
{
	return ban_key_address(ctx->call.arena, STR("2001:db8::1"), out->keys,
			       &out->n, err);
}

static int
counters(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return throttle_begin(ctx, STR("alice"), &out->throttle, err);
}

/* Begins the count of an unknown user after this number of attempts. */
static void
count_before(struct request_context *ctx, unsigned tries)
{
	struct outputs out;
	struct err err;

	ck_assert_int_eq(throttle_begin(ctx,
					str_from(flow_text(&f, "n%u", asked++)),
					&counted, &err),
			 0);
	while (tries-- > 0)
		ck_assert_int_eq(throttle_count(ctx, &counted, &out.counted,
						&out.seconds, &err),
				 0);
}

static void
first_try(struct request_context *ctx, struct outputs *out)
{
	(void)out;
	count_before(ctx, 0);
}

static void
second_try(struct request_context *ctx, struct outputs *out)
{
	(void)out;
	count_before(ctx, 1);
}

static int
wait_for(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return throttle_wait(ctx, &counted, &out->seconds, err);
}

static int
count_it(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return throttle_count(ctx, &counted, &out->counted, &out->seconds, err);
}

static int
to_login(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return login_location(ctx, STR("/x?y"), &out->text, err);
}

static int
policy(struct request_context *ctx, struct outputs *out, struct err *err)
{
	return page_csp(ctx->service->set, &ctx->service->sites,
			ctx->call.arena, &out->text, err);
}

static const struct {
	const char *name;
	void (*prepare)(struct request_context *ctx, struct outputs *out);
	int (*run)(struct request_context *ctx, struct outputs *out,
		   struct err *err);
} cases[] = {
	{ "right password", NULL, right_password },
	{ "wrong password", NULL, wrong_password },
	{ "recheck", who_is_it, recheck },
	{ "confirm", who_signs_in, confirm },
	{ "key of a user", NULL, key_of_user },
	{ "key of a user at a network", NULL, key_of_known },
	{ "keys of an address", NULL, keys_of_address },
	{ "counters", NULL, counters },
	{ "wait", first_try, wait_for },
	{ "first try", first_try, count_it },
	{ "second try", second_try, count_it },
	{ "location", NULL, to_login },
	{ "policy", NULL, policy },
};

enum { ALLOCATION, STORE_CALL, LOOK_UP, KINDS };

static void
arm(int kind, unsigned step)
{
	if (kind == ALLOCATION)
		arena_fail_after(f.request, step - 1);
	else if (kind == STORE_CALL)
		store_faulty_fail(&f.faulty, step, false);
	else
		f.users_table.fail_find =
		    atomic_load(&f.users_table.finds) + step;
}

static void
disarm(void)
{
	store_faulty_fail(&f.faulty, 0, false);
	f.users_table.fail_find = 0;
	fake_env_advance(&f.fake, 2); /* the breaker closes */
}

/* Returns false if there is no such step. */
static bool
fails_at(size_t i, int kind, unsigned step)
{
	const char *const params[] = { cookie, "REMOTE_ADDR=2001:db8::1",
				       NULL };
	struct flow_exchange x;
	struct outputs out, before;
	struct err err;
	int rc;

	memset(&out, RUBBISH, sizeof(out));
	flow_exchange(&f, params, &x);
	if (cases[i].prepare != NULL)
		cases[i].prepare(&x.e, &out);
	memcpy(&before, &out, sizeof(out));
	arm(kind, step);
	rc = cases[i].run(&x.e, &out, &err);
	disarm();
	if (rc == 0)
		return false;
	ck_assert_msg(memcmp(&before, &out, sizeof(out)) == 0,
		      "%s: an output changes at step %u of kind %d",
		      cases[i].name, step, kind);
	return true;
}

START_TEST(failed_function_changes_no_output)
{
	unsigned failures = 0;

	for (int kind = 0; kind < KINDS; kind++) {
		unsigned step = 1;

		while (step < STEPS_MAX && fails_at((size_t)_i, kind, step))
			step++;
		ck_assert_uint_lt(step, STEPS_MAX);
		failures += step - 1;
	}
	ck_assert_msg(failures > 0, "%s has not failed", cases[_i].name);
}
END_TEST

/* When the store fails to count an attempt, none of its counters changes. */
START_TEST(failed_count_changes_no_counter)
{
	const char *const params[] = { "REMOTE_ADDR=2001:db8::1", NULL };
	enum throttle_answer answer;
	struct flow_exchange x;
	int64_t seconds;
	struct err err;

	flow_exchange(&f, params, &x);
	count_before(&x.e, 0);
	store_faulty_fail(&f.faulty, 1, false);
	ck_assert_int_eq(throttle_count(&x.e, &counted, &answer, &seconds,
					&err),
			 -1);
	disarm();
	ck_assert_int_eq(throttle_count(&x.e, &counted, &answer, &seconds,
					&err),
			 0);
	ck_assert_int_eq(answer, THROTTLE_COUNTED);
	for (size_t i = 0; i < counted.keys.n; i++)
		ck_assert_int_eq(counted.count.v[i].count, 1);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("untouched");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_loop_test(t, failed_function_changes_no_output, 0,
			    ARRAY_LEN(cases));
	tcase_add_test(t, failed_count_changes_no_counter);
	return run_case(t);
}
