/* SPDX-License-Identifier: MIT */
/* The web servers and hosts that are accepted, before a request is
 * evaluated. */
#include "tests/unit/auth/flow_fixture.h"

START_TEST(host_and_peer_secret_are_checked)
{
	static const char ini[] = "[server]\nhosts = www.example.com\n"
				  "peer_secret = knock-knock\n"
				  "[store]\ndriver = memory\n";
	const char *const login[] = { "REQUEST_METHOD=POST",
				      "REQUEST_URI=/auth/login",
				      "AUTH_SECRET=knock-knock",
				      "CONTENT_TYPE=application/json", NULL };
	const char *const other[] = { "AUTH_ACTION=verify",
				      "AUTH_SECRET=knock-knock",
				      "HTTP_HOST=evil.example.com", NULL };
	const char *const other_login[] = { "REQUEST_URI=/auth/login",
					    "AUTH_SECRET=knock-knock",
					    "HTTP_HOST=evil.example.com",
					    NULL };
	const char *const same[] = { "AUTH_ACTION=verify",
				     "AUTH_SECRET=knock-knock",
				     "HTTP_HOST=WWW.Example.com.:8443", NULL };

	flow_init(&f, ini);
	ck_assert_uint_eq(flow_verify(&f, "/", NULL, NULL).status, 403);
	ck_assert_uint_eq(
	    flow_verify(&f, "/", "AUTH_SECRET=knock-knoc", NULL).status, 403);
	ck_assert_uint_eq(flow_get(&f, "/auth/health", NULL, NULL).status, 403);
	ck_assert_uint_eq(flow_ask(&f, false, login, "{}").status, 400);
	ck_assert_uint_eq(flow_ask(&f, false, other, NULL).status, 403);
	ck_assert_uint_eq(flow_ask(&f, false, other_login, NULL).status, 400);
	ck_assert_uint_eq(flow_ask(&f, false, same, NULL).status, 401);
}
END_TEST

/* A check is never taken for the question for the state, which gets 200. */
START_TEST(two_actions_are_refused)
{
	static const char *const rows[][3] = {
		{ "AUTH_ACTION=status", "AUTH_ACTION=verify", NULL },
		{ "AUTH_ACTION=verify", "AUTH_ACTION=status", NULL },
		{ "AUTH_ACTION=status", "AUTH_ACTION=status", NULL },
	};

	flow_init(&f, "[store]\ndriver = memory\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(flow_ask(&f, false, rows[i], NULL).status == 403,
			      "row %zu", i);
}
END_TEST

/* While the secret is changed there are two, and no other value is accepted. */
START_TEST(each_peer_secret_is_accepted)
{
	static const struct {
		const char *secret;
		unsigned status;
	} rows[] = {
		{ "AUTH_SECRET=old", 401 },	{ "AUTH_SECRET=new", 401 },
		{ "AUTH_SECRET=old new", 403 }, { "AUTH_SECRET=ne", 403 },
		{ "AUTH_SECRET=", 403 },	{ NULL, 403 },
	};
	const char *const both[] = { "AUTH_ACTION=verify", "AUTH_SECRET=old",
				     "AUTH_SECRET=new", NULL };

	flow_init(&f, "[server]\npeer_secret = old  new\n"
		      "[store]\ndriver = memory\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(flow_verify(&f, "/", rows[i].secret, NULL)
				      .status == rows[i].status,
			      "row %zu", i);
	ck_assert_uint_eq(flow_ask(&f, false, both, NULL).status, 403);
}
END_TEST

/* A client that sends an identity header is refused. nginx passes the first of
 * two headers only, so an empty one may hide another. */
START_TEST(identity_headers_of_clients_are_refused)
{
	static const struct {
		const char *one, *two;
		unsigned status;
	} rows[] = {
		{ "HTTP_REMOTE_USER=alice", NULL, 403 },
		{ "HTTP_REMOTE_USER=", "HTTP_REMOTE_USER=alice", 403 },
		{ "HTTP_X_ROLES=admin", NULL, 403 },
		{ "HTTP_REMOTE_USER=", NULL, 204 },
		/* the configuration renames this header */
		{ "HTTP_REMOTE_GROUPS=admin", NULL, 204 },
		{ "HTTP_X_REMOTE_USER=alice", NULL, 204 },
	};
	const char *bob;

	flow_init(&f, "[store]\ndriver = memory\n[headers]\nroles = X-Roles\n");
	bob = flow_login(&f, "bob");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const params[] = { "AUTH_ACTION=verify", bob,
					       rows[i].one, rows[i].two, NULL };

		ck_assert_msg(flow_ask(&f, false, params, NULL).status ==
				  rows[i].status,
			      "row %zu", i);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("peer");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, host_and_peer_secret_are_checked);
	tcase_add_test(t, two_actions_are_refused);
	tcase_add_test(t, each_peer_secret_is_accepted);
	tcase_add_test(t, identity_headers_of_clients_are_refused);
	return run_case(t);
}
