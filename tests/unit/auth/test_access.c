/* SPDX-License-Identifier: MIT */
/* Rules at the check: combined with AUTH_REQUIRE, with valid and invalid
 * credentials, and while the store is down. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

static const char ini[] =
    "[store]\ndriver = memory\n"
    "[rule public]\npath = /public\nrequire = public\n"
    "[rule both]\npath = /both\nrequire = public role:admin\n"
    "[rule user]\npath = /user\nrequire = user\n"
    "[rule admin]\npath = /admin\nrequire = role:admin\n"
    "[rule bob]\npath = /bob\nrequire = user:bob role:admin\n"
    "[rule closed]\npath = /closed\nrequire = deny\n"
    "[rule read]\npath = /read\nmethod = GET\nrequire = public\n"
    "[rule inside]\npath = /inside\nnetwork = 192.0.2.0/24\n"
    "require = public\n"
    "[rule host]\nhost = other.example.com\nrequire = public\n"
    "[rule slow]\npath_regex = /slow/(a+)+[bc]\nrequire = public\n";

static void
begin(void)
{
	flow_init(&f, ini);
}

static bool
has_identity(const struct flow_answer *a)
{
	static const char *const names[] = {
		"Remote-User",		"Remote-Groups",
		"Remote-Email",		"Remote-Name",
		"Variable-REMOTE_USER", "Variable-AUTH_USER",
		"Variable-AUTH_GROUPS", "Variable-AUTH_EMAIL",
		"Variable-AUTH_NAME",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (flow_header(a, names[i]).p != NULL)
			return true;
	}
	return false;
}

/* The status for a visitor, for bob, who has no role, and for alice, who has
 * the role admin. */
static const struct {
	/* require NULL: the location requires nothing */
	const char *uri, *require;
	unsigned nobody, bob, alice;
} rows[] = {
	{ "/public/x", NULL, 204, 204, 204 },
	{ "/both", NULL, 204, 204, 204 },
	{ "/user", NULL, 401, 204, 204 },
	{ "/admin", NULL, 401, 403, 204 },
	{ "/bob", NULL, 401, 204, 204 },
	{ "/closed", NULL, 401, 403, 403 },
	{ "/", NULL, 401, 403, 403 },
	{ "/publicly", NULL, 401, 403, 403 },
	/* a path with several readings must meet the requirements of all */
	{ "/public/../admin", NULL, 401, 403, 204 },
	{ "/user/..//admin", NULL, 403, 403, 403 },
	{ "/public//x;y", NULL, 204, 204, 204 },
	{ "/public//x", "user", 401, 204, 204 },
	{ "/user/@a%2fb/100%25.txt", NULL, 401, 204, 204 },
	{ "/public/../user", NULL, 401, 204, 204 },
	{ "/public/../closed", NULL, 403, 403, 403 },
	{ "/closed;x", NULL, 401, 403, 403 },
	{ "/admin/../bob", NULL, 401, 403, 204 },
	{ "/public/..;/x", NULL, 403, 403, 403 },
	{ "/public/%2e/x", "public", 403, 403, 403 },
	{ "/public%2f..%2fadmin", NULL, 403, 403, 403 },
	/* rule and location must both be met, and a location grants nothing */
	{ "/public", "user", 401, 204, 204 },
	{ "/public", "role:admin", 401, 403, 204 },
	{ "/public", "deny", 401, 403, 403 },
	{ "/public", "public", 204, 204, 204 },
	{ "/public", "public nonsense", 401, 403, 403 },
	{ "/public", "nonsense", 401, 403, 403 },
	{ "/user", "public", 401, 204, 204 },
	{ "/user", "role:admin", 401, 403, 204 },
	{ "/user", "user:bob", 401, 204, 403 },
	{ "/admin", "public", 401, 403, 204 },
	{ "/admin", "user:bob", 401, 403, 403 },
	{ "/closed", "public", 401, 403, 403 },
	{ "/", "public", 401, 403, 403 },
	{ "/", "user", 401, 403, 403 },
	/* other conditions */
	{ "/read", NULL, 204, 204, 204 },
	{ "/inside", NULL, 401, 403, 403 },
};

START_TEST(rules_and_location_must_both_be_met)
{
	const char *who[] = { NULL, flow_login(&f, "bob"),
			      flow_login(&f, "alice") };
	static const char *const names[] = { NULL, "bob", "alice" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const unsigned expected[] = { rows[i].nobody, rows[i].bob,
					      rows[i].alice };
		const char *require =
		    rows[i].require == NULL ?
			NULL :
			flow_text(&f, "AUTH_REQUIRE=%s", rows[i].require);

		for (size_t k = 0; k < ARRAY_LEN(who); k++) {
			const char *const params[] = {
				"AUTH_ACTION=verify",
				flow_text(&f, "REQUEST_URI=%s", rows[i].uri),
				"REMOTE_ADDR=198.51.100.1",
				who[k] != NULL ? who[k] : "HTTP_NONE=",
				require,
				NULL
			};
			struct flow_answer a =
			    flow_ask(&f, false, params, NULL);

			ck_assert_msg(a.status == expected[k],
				      "row %zu, %s: the status is %u", i,
				      names[k] != NULL ? names[k] : "visitor",
				      a.status);
			ck_assert_msg(has_identity(&a) ==
					  (a.status == 204 && k > 0),
				      "row %zu: wrong identity headers", i);
			if (a.status == 204 && k > 0)
				ck_assert(str_eq(flow_header(&a, "Remote-User"),
						 str_from(names[k])));
			ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
			ck_assert_ptr_null(
			    flow_header(&a, "WWW-Authenticate").p);
		}
	}
}
END_TEST

/* The refusal of a doubtful path has a reason for persons and programs, whether
 * signed in or not. */
START_TEST(doubtful_path_is_refused_with_a_reason)
{
	static const struct {
		const char *uri, *code, *text;
	} cases[] = {
		{ "/public/..;/x", "hidden_dot_segment", "unusual way" },
		{ "/public/../closed", "ambiguous_path",
		  "two different pages" },
	};
	const char *who[] = { NULL, flow_login(&f, "alice") };

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const char *const person[] = {
			"AUTH_ACTION=challenge", "HTTP_ACCEPT=text/html",
			flow_text(&f, "REQUEST_URI=%s", cases[i / 2].uri),
			who[i % 2], NULL
		};
		const char *const program[] = { person[0], person[2], person[3],
						NULL };
		const char *const apache[] = { person[1], person[2], person[3],
					       NULL };
		struct flow_answer a = flow_ask(&f, false, person, NULL);

		ck_assert_uint_eq(a.status, 403);
		ck_assert(flow_holds(a.body, cases[i / 2].text));
		ck_assert_ptr_null(flow_header(&a, "Location").p);
		a = flow_ask(&f, true, apache, NULL);
		ck_assert_uint_eq(a.status, 403);
		ck_assert(flow_holds(a.body, cases[i / 2].text));
		a = flow_ask(&f, false, program, NULL);
		ck_assert_uint_eq(a.status, 403);
		ck_assert(flow_holds(a.body, cases[i / 2].code));
	}
	/* Every reading refuses bob: the page names the user. */
	const char *const bob[] = { "AUTH_ACTION=challenge",
				    "HTTP_ACCEPT=text/html",
				    "REQUEST_URI=/admin;x/../closed",
				    flow_login(&f, "bob"), NULL };
	struct flow_answer a = flow_ask(&f, false, bob, NULL);

	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "bob"));
}
END_TEST

/* Below a location the web server requires more, according to its own reading
 * of the path. */
START_TEST(locations_are_read_in_all_ways)
{
	static const struct {
		const char *uri;
		unsigned status;
	} cases[] = {
		{ "/need/x", 204 },	    { "/need", 204 },
		{ "/need/;x/y", 204 },	    { "/need/%20//y", 204 },
		{ "/a;x/%252f", 204 },	    { "/need/deep/;x", 204 },
		{ "/need;x/y", 403 },	    { "/need%252fx", 403 },
		{ "/need\\x", 403 },	    { "//h/need/x", 403 },
		{ "/need//../x", 403 },	    { "/need/deep;x/y", 403 },
		{ "/public%252f..;", 403 }, { "/need/..%2fx", 403 },
	};
	struct flow own;
	const char *alice;

	flow_init(&own, "[store]\ndriver = memory\n"
			"[server]\nlocations = /need/deep/ /need/\n");
	alice = flow_login(&own, "alice");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow_answer a =
		    flow_verify(&own, cases[i].uri, alice, NULL);

		ck_assert_msg(a.status == cases[i].status,
			      "%s: the status is %u", cases[i].uri, a.status);
	}
	/* Without the setting, only the web server's own reading counts. */
	ck_assert_uint_eq(
	    flow_verify(&f, "/user/;x", flow_login(&f, "bob"), NULL).status,
	    204);
	flow_free(&own);
}
END_TEST

START_TEST(conditions_use_trusted_values_only)
{
	static const struct {
		const char *one, *two;
		unsigned status;
	} cases[] = {
		{ "REQUEST_URI=/read", "REQUEST_METHOD=GET", 204 },
		{ "REQUEST_URI=/read", "REQUEST_METHOD=HEAD", 204 },
		{ "REQUEST_URI=/read", "REQUEST_METHOD=POST", 401 },
		{ "REQUEST_URI=/read", "REQUEST_METHOD=OPTIONS", 401 },
		{ "REQUEST_URI=/read", "REQUEST_METHOD=get", 401 },
		{ "REQUEST_URI=/read", "HTTP_X_FORWARDED_METHOD=GET", 204 },
		{ "REQUEST_URI=/inside", "REMOTE_ADDR=192.0.2.1", 204 },
		{ "REQUEST_URI=/inside", "REMOTE_ADDR=::ffff:192.0.2.1", 204 },
		{ "REQUEST_URI=/inside", "REMOTE_ADDR=192.0.3.1", 401 },
		{ "REQUEST_URI=/inside", "REMOTE_ADDR=unix:", 401 },
		{ "REQUEST_URI=/inside", "REMOTE_ADDR=a", 403 },
		{ "REQUEST_URI=/inside", "REMOTE_ADDR=", 403 },
		{ "REQUEST_URI=/public", "REMOTE_ADDR=unix:", 204 },
		{ "HTTP_HOST=other.example.com", "REQUEST_URI=/x", 204 },
		{ "HTTP_HOST=OTHER.Example.com.:8443", "REQUEST_URI=/x", 204 },
		{ "HTTP_HOST=other.example.com.evil", "REQUEST_URI=/x", 401 },
		{ "HTTP_X_FORWARDED_HOST=other.example.com", "REQUEST_URI=/x",
		  401 },
		{ "HTTP_X_FORWARDED_FOR=192.0.2.1", "REMOTE_ADDR=198.51.100.1",
		  401 },
		{ "HTTP_X_ORIGINAL_URI=/public", "REQUEST_URI=/x", 401 },
		{ "HTTP_X_FORWARDED_URI=/public", "REQUEST_URI=/x", 401 },
		{ "HTTP_X_FORWARDED_PREFIX=/public", "REQUEST_URI=/x", 401 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const params[] = { "AUTH_ACTION=verify",
					       cases[i].one, cases[i].two,
					       NULL };
		struct flow_answer a = flow_ask(&f, false, params, NULL);

		ck_assert_msg(a.status == cases[i].status,
			      "row %zu: the status is %u", i, a.status);
	}
	/* Without an address not even a user whom all rules admit is let in. */
	ck_assert_uint_eq(flow_verify(&f, "/inside", flow_login(&f, "alice"),
				      "REMOTE_ADDR=unix:")
			      .status,
			  403);
}
END_TEST

START_TEST(public_page_ignores_a_bad_credential)
{
	static const char *const bad[] = {
		"HTTP_COOKIE=__Host-fcgiauth=nonsense",
		"HTTP_COOKIE=__Host-fcgiauth=a; __Host-fcgiauth=b",
		"HTTP_COOKIE=__Host-fcgiauth=",
		"HTTP_AUTHORIZATION=Bearer nonsense",
		"HTTP_AUTHORIZATION=Bearer",
		"HTTP_AUTHORIZATION=Basic eDp5",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct flow_answer a = flow_verify(&f, "/public", bad[i], NULL);

		ck_assert_msg(a.status == 204, "row %zu: the status is %u", i,
			      a.status);
		ck_assert(!has_identity(&a));
		a = flow_verify(&f, "/public", bad[i], "AUTH_REQUIRE=user");
		ck_assert_msg(a.status == 401, "row %zu: the status is %u", i,
			      a.status);
	}
}
END_TEST

START_TEST(authorizer_passes_public_pages)
{
	static const char *const nobody[] = { "REQUEST_URI=/public", NULL };
	const char *const alice[] = { "REQUEST_URI=/public",
				      flow_login(&f, "alice"), NULL };
	const char *const closed[] = { "REQUEST_URI=/closed", alice[1],
				       "HTTP_SEC_FETCH_MODE=navigate", NULL };
	struct flow_answer a = flow_ask(&f, true, nobody, NULL);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(!has_identity(&a));
	a = flow_ask(&f, true, alice, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(str_eq(flow_header(&a, "Variable-REMOTE_USER"),
			 STR("alice")));
	a = flow_ask(&f, true, closed, NULL);
	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "<bdi>alice</bdi>"));
}
END_TEST

START_TEST(failed_store_affects_only_credentials)
{
	static const struct {
		const char *uri, *require;
		unsigned status;
	} cases[] = {
		{ "/public", NULL, 204 },
		{ "/public", "AUTH_REQUIRE=public", 204 },
		{ "/public", "AUTH_REQUIRE=user", 503 },
		{ "/user", NULL, 503 },
		{ "/user", "AUTH_REQUIRE=public", 503 },
		{ "/closed", NULL, 503 },
		{ "/", NULL, 503 },
	};
	const char *alice = flow_login(&f, "alice");

	store_faulty_fail(&f.faulty, 1, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow_answer a =
		    flow_verify(&f, cases[i].uri, alice, cases[i].require);

		ck_assert_msg(a.status == cases[i].status,
			      "row %zu: the status is %u", i, a.status);
		ck_assert_msg(!has_identity(&a),
			      "row %zu: wrong identity headers", i);
		ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	}
	/* A request without a credential is answered without the store. */
	ck_assert_uint_eq(flow_verify(&f, "/user", NULL, NULL).status, 401);
	store_faulty_fail(&f.faulty, 0, false);
	fake_env_advance_ms(&f.fake, 2000);
	ck_assert_uint_eq(flow_verify(&f, "/user", alice, NULL).status, 204);
}
END_TEST

START_TEST(failed_regex_gives_503)
{
	const char *alice = flow_login(&f, "alice");
	const char uri[] = "/slow/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad";
	struct flow_answer a = flow_verify(&f, uri, alice, NULL);

	ck_assert_uint_eq(a.status, 503);
	ck_assert_ptr_nonnull(flow_header(&a, "Retry-After").p);
	ck_assert_uint_eq(flow_verify(&f, uri, NULL, NULL).status, 503);
	ck_assert_uint_eq(flow_verify(&f, "/slow/aab", NULL, NULL).status, 204);
}
END_TEST

START_TEST(refusal_is_challenged)
{
	const char *bob = flow_login(&f, "bob");
	static const struct {
		const char *uri;
		bool bob;
		unsigned status;
	} cases[] = {
		{ "/closed", false, 302 }, { "/closed", true, 403 },
		{ "/admin", true, 403 },   { "/public", false, 302 },
		{ "/public", true, 403 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const params[] = {
			"AUTH_ACTION=challenge",
			flow_text(&f, "REQUEST_URI=%s", cases[i].uri),
			"HTTP_SEC_FETCH_MODE=navigate",
			cases[i].bob ? bob : NULL, NULL
		};
		struct flow_answer a = flow_ask(&f, false, params, NULL);

		ck_assert_msg(a.status == cases[i].status,
			      "row %zu: the status is %u", i, a.status);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("access");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, rules_and_location_must_both_be_met);
	tcase_add_test(t, doubtful_path_is_refused_with_a_reason);
	tcase_add_test(t, locations_are_read_in_all_ways);
	tcase_add_test(t, conditions_use_trusted_values_only);
	tcase_add_test(t, public_page_ignores_a_bad_credential);
	tcase_add_test(t, authorizer_passes_public_pages);
	tcase_add_test(t, failed_store_affects_only_credentials);
	tcase_add_test(t, failed_regex_gives_503);
	tcase_add_test(t, refusal_is_challenged);
	return run_case(t);
}
