/* SPDX-License-Identifier: MIT */
/* The modes by themselves: what they promise to whoever calls them. */
#include "tests/unit/refresh_rig.h"

#include "auth/credential.h"

#define RUBBISH 0xa5

static const struct grant no_grant;
static const struct session_id no_session;

static void
use(const char *mode, const char *more)
{
	static char ini[512]; /* settings borrow from it */

	(void)snprintf(ini, sizeof(ini),
		       "[auth]\nmode = %s\n[store]\ndriver = memory\n"
		       "[jwt]\nsecret_file = %s/secret\n%s",
		       mode, folder, more);
	flow_free(&f);
	flow_init(&f, ini, NULL, NULL);
}

static struct exchange *
begin(struct flow_exchange *x)
{
	static const char *const params[] = { NULL };

	flow_exchange(&f, params, x);
	return &x->e;
}

/* Each as long as some token is, and none of ours. */
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
refuses(struct exchange *e, struct str token)
{
	const struct auth_mode_ops *ops = e->service->mode_ops;
	const void *mode = e->service->mode;
	struct grant grant;
	enum verdict verdict = VERDICT_ALLOW;
	struct err err;

	memset(&grant, RUBBISH, sizeof(grant));
	ck_assert_int_eq(ops->authenticate(mode, &e->call, token, &verdict,
					   &grant, &err),
			 0);
	ck_assert_int_eq(verdict, VERDICT_DENY);
	ck_assert_mem_eq(&grant, &no_grant, sizeof(grant));
	memset(&grant, RUBBISH, sizeof(grant));
	verdict = VERDICT_ALLOW;
	ck_assert_int_eq(ops->revoke(mode, &e->call, token, &verdict, &grant,
				     &err),
			 0);
	ck_assert_int_eq(verdict, VERDICT_DENY);
	ck_assert_mem_eq(&grant, &no_grant, sizeof(grant));
}

static void
prolongs_nothing(struct exchange *e, struct str token)
{
	const struct auth_mode_ops *ops = e->service->mode_ops;
	const void *mode = e->service->mode;
	enum refresh_answer answer = REFRESH_DONE;
	struct credentials made;
	struct session_id id;
	struct grant grant;
	struct err err;
	bool ours = true;

	memset(&grant, RUBBISH, sizeof(grant));
	memset(&made, RUBBISH, sizeof(made));
	memset(&id, RUBBISH, sizeof(id));
	if (ops->refresh != NULL) {
		ck_assert_int_eq(ops->refresh(mode, &e->call, token, SIZE_MAX,
					      &answer, &grant, &made, &err),
				 0);
		ck_assert_int_eq(answer, REFRESH_REFUSED);
		ck_assert_mem_eq(&grant, &no_grant, sizeof(grant));
		ck_assert_uint_eq(made.access.n + made.refresh.n, 0);
		ck_assert_int_eq(made.expires_in, 0);
		ck_assert_int_eq(made.evicted, 0);
	}
	if (ops->session_of != NULL) {
		ck_assert_int_eq(ops->session_of(mode, &e->call, token, &ours,
						 &id, &err),
				 0);
		ck_assert(!ours);
		ck_assert_mem_eq(&id, &no_session, sizeof(id));
	}
}

START_TEST(strange_tokens)
{
	static const char *const modes[] = { "session", "jwt", "refresh" };
	struct flow_exchange x;
	struct exchange *e;

	use(modes[_i], "");
	e = begin(&x);
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		refuses(e, str_from(strange[i]));
		prolongs_nothing(e, str_from(strange[i]));
	}
}
END_TEST

/* What a session gets, whatever was asked for. */
START_TEST(remember_is_as_offered)
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
	struct exchange *e;
	struct credentials made;
	struct login login = { .hash = STR("x"), .remember = rows[_i].asked };
	struct err err;

	use("session",
	    flow_text(&f, "[session]\nremember = %s\n", rows[_i].offered));
	login.who = f.users_table.v[0].who;
	e = begin(&x);
	ck_assert_int_eq(e->service->mode_ops->issue(e->service->mode, &e->call,
						     &login, &made, &err),
			 0);
	ck_assert_int_eq(made.expires_in, rows[_i].expires_in);
	ck_assert_int_eq(made.cookie_max_age, rows[_i].max_age);
	ck_assert_int_eq(made.evicted, 0);
	ck_assert_uint_eq(made.refresh.n, 0);
}
END_TEST

/* Without dice there is no login, and nothing is left of it. */
START_TEST(no_dice_no_login)
{
	static const char *const modes[] = { "session", "jwt", "refresh" };
	struct session_cursor start_at = { .created_ms = 0 };
	struct session_list list;
	struct flow_answer a;
	struct err err;

	use(modes[_i], "");
	f.world.no_entropy = true;
	a = flow_post(&f, "/auth/login", JSON,
		      "{\"username\":\"alice\",\"password\":\"" FLOW_PASSWORD
		      "\"}",
		      NULL);
	ck_assert_uint_eq(a.status, 503);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_int_eq(store_list(f.links.store, f.request,
				    (struct str){ .p = NULL },
				    env_wall_ms(&f.world.env), 50, &start_at,
				    &list, &err),
			 0);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("modes");
	TCase *t = tcase_create("modes");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, strange_tokens, 0, 3);
	tcase_add_loop_test(t, remember_is_as_offered, 0, 5);
	tcase_add_loop_test(t, no_dice_no_login, 0, 3);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
