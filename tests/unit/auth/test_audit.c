/* SPDX-License-Identifier: MIT */
/* auth/audit: each sign-in and each change of a session has a line in the
 * log. */
#include "tests/unit/auth/flow_fixture.h"

#include <stdio.h>
#include <string.h>

#define FROM                                                                   \
	" address=192.0.2.7 request=test-request "                             \
	"user_agent=\"test \\\"agent\\\"\"\n"

static void
start(const char *ini)
{
	flow_init(&f, ini);
	flow_log(&f, LOG_INFO);
}

static void
begin(void)
{
	start("[store]\ndriver = memory\n");
}

/* The log must have one audit line, which must start with `line`. */
static void
expect(const char *line)
{
	const char *text = flow_logged(&f), *first = strstr(text, " audit ");

	ck_assert_msg(first != NULL && strstr(first + 1, " audit ") == NULL &&
			  strstr(first, line) == first,
		      "the log is \"%s\", without \"%s\"", text, line);
}

/* Each failure is logged with its reason. */
START_TEST(failures_are_audited)
{
	struct user *carol = &f.users_table.v[2];
	char long_name[300];

	(void)flow_sign_in(&f, "nobody", "x", NULL);
	expect(" audit login_failure user=nobody why=unknown_user" FROM);
	(void)flow_sign_in(&f, "alice", "x", NULL);
	expect(" audit login_failure user=alice why=wrong_password" FROM);
	(void)flow_sign_in(&f, "carol", "x", NULL);
	expect(" audit login_failure user=carol why=wrong_password" FROM);
	(void)flow_sign_in(&f, "carol", FLOW_PASSWORD, NULL);
	expect(" audit login_failure user=carol why=disabled" FROM);
	carol->refused = STR("role x");
	(void)flow_sign_in(&f, "carol", FLOW_PASSWORD, NULL);
	expect(" audit login_failure user=carol why=\"role x\"" FROM);
	f.users_table.v[1].hash = STR("$1$salt$0123456789012345678901");
	(void)flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL);
	expect(
	    " audit login_failure user=bob why=\"unusable_hash: md5-crypt: ");
	/* A long name may be a password in the wrong field. */
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	(void)flow_sign_in(&f, long_name, "x", NULL);
	expect(" audit login_failure user=\"(invalid)\" "
	       "why=unknown_user" FROM);
}
END_TEST

/* The lines of a session from the sign-in to the sign-out have its id. */
START_TEST(session_is_audited)
{
	struct flow_answer a =
	    flow_sign_in(&f, "alice", FLOW_PASSWORD, "REQUEST_ID=4-f-8765");
	const char *token = flow_cookie(&f, &a, COOKIE),
		   *text = flow_logged(&f);
	const char *cookie = flow_text(&f, "HTTP_COOKIE=" COOKIE "=%s", token);
	char first[64], second[64];

	ck_assert_int_eq(sscanf(strstr(text, " audit "),
				" audit login user=alice session=%63[0-9a-f] "
				"address=192.0.2.7 request=4-f-8765 "
				"user_agent=",
				first),
			 1);
	ck_assert_ptr_nonnull(strstr(text, " request=4-f-8765 "));
	ck_assert_uint_eq(strlen(first), 32);
	a = flow_sign_in(&f, "bob", FLOW_PASSWORD, cookie);
	token = flow_cookie(&f, &a, COOKIE);
	text = flow_logged(&f);
	ck_assert_ptr_nonnull(
	    strstr(text, flow_text(&f,
				   " audit session_replaced user=alice "
				   "session=%s" FROM,
				   first)));
	ck_assert_int_eq(sscanf(strstr(text, " audit login user"),
				" audit login user=bob session=%63[0-9a-f] ",
				second),
			 1);
	ck_assert_str_ne(first, second);
	a = flow_post(&f, "/auth/logout", JSON, "",
		      flow_text(&f, "HTTP_COOKIE=" COOKIE "=%s", token));
	ck_assert_uint_eq(a.status, 204);
	expect(flow_text(&f, " audit logout user=bob session=%s" FROM, second));
	/* A session does not end twice. */
	(void)flow_post(&f, "/auth/logout", JSON, "",
			flow_text(&f, "HTTP_COOKIE=" COOKIE "=%s", token));
	ck_assert_ptr_null(strstr(flow_logged(&f), " audit "));
}
END_TEST

START_TEST(ended_sessions_are_audited)
{
	teardown();
	start("[store]\ndriver = memory\n[session]\nmax_per_user = 2\n");
	for (unsigned i = 0; i < 2; i++) {
		(void)flow_login(&f, "alice");
		ck_assert_ptr_null(strstr(flow_logged(&f), "session_limit"));
	}
	(void)flow_login(&f, "alice");
	ck_assert_ptr_nonnull(strstr(
	    flow_logged(&f), " audit session_limit user=alice ended=1" FROM));
}
END_TEST

/* The user agent is cut to the same length as other texts. */
START_TEST(long_user_agents_are_cut)
{
	char agent[IDENTITY_TEXT_MAX + 2];

	memset(agent, 'x', sizeof(agent) - 1);
	agent[sizeof(agent) - 1] = '\0';
	(void)flow_sign_in(&f, "nobody", "x",
			   flow_text(&f, "HTTP_USER_AGENT=%s", agent));
	agent[IDENTITY_TEXT_MAX] = '\0';
	expect(flow_text(&f,
			 " audit login_failure user=nobody why=unknown_user "
			 "address=192.0.2.7 request=test-request "
			 "user_agent=%s\n",
			 agent));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("audit");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, failures_are_audited);
	tcase_add_test(t, session_is_audited);
	tcase_add_test(t, ended_sessions_are_audited);
	tcase_add_test(t, long_user_agents_are_cut);
	return run_case(t);
}
