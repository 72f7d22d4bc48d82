/* SPDX-License-Identifier: MIT */
/* Mail with a link for a new password, and the notice after a change. */
#include "tests/unit/auth/reset_fixture.h"

#include "strategy/one_time.h"
#include "auth/new_password.h"

#include <string.h>

#define ORIGIN "https://www.example.com"

/* Returns whether the secret of the link in a mail is valid. */
static bool
link_works(const struct mail *mail)
{
	static const char before[] = "\n\n" ORIGIN "/auth/link/";
	const char *body = flow_text(&f, "%.*s", STR_ARG(mail->body));
	const char *at = strstr(body, before);
	struct one_time_answer is;
	struct one_time_hash hash;
	struct str token;
	struct err err;

	ck_assert_ptr_nonnull(at);
	token = str_from(at + strlen(before));
	token.n = str_find(token, '\n');
	ck_assert(one_time_read(token, &hash));
	ck_assert_int_eq(factors_one_time_peek(f.conns.factors,
					       flow_call(&f, now_ms()), &hash,
					       ONE_TIME_FORGOTTEN, &is, &err),
			 0);
	return is.found;
}

START_TEST(a_user_is_sent_a_link)
{
	struct mail mail, none;

	ask_and_handle("alice");
	ck_assert(claim(&mail));
	ck_assert(str_eq(mail.kind, STR("reset")));
	ck_assert(str_eq(mail.user, STR("alice")));
	ck_assert(str_eq(mail.to, STR("alice@example.com")));
	ck_assert_int_eq(mail.expires_ms, now_ms() + 30 * MINUTES);
	ck_assert(str_starts(mail.body, STR("A new password for your account"
					    "\n")));
	ck_assert(flow_holds(mail.body, "the account alice."));
	ck_assert(flow_holds(mail.body, "the address 192.0.2.7."));
	ck_assert(flow_holds(mail.body, "-- \n" ORIGIN "\n"));
	ck_assert(link_works(&mail));
	drop(&mail);
	ck_assert(!claim(&none));
	ck_assert(flow_holds(str_from(flow_logged(&f)),
			     "reset_asked user=alice why=sent "
			     "address=192.0.2.7 request=test-request "));
	fake_env_advance(&f.fake, 30 * 60 + 1);
	ck_assert(!link_works(&mail));
}
END_TEST

START_TEST(a_newer_link_voids_an_older_one)
{
	struct mail first, second;

	ask_and_handle("alice");
	ck_assert(claim(&first));
	ask_and_handle("alice");
	ck_assert(claim(&second));
	ck_assert(!link_works(&first));
	ck_assert(link_works(&second));
}
END_TEST

static const struct {
	const char *typed, *said;
} nobody[] = {
	{ "bob", "user=bob why=no_address " },
	{ "carol", "user=carol why=disabled " },
	{ "dave", "user=dave why=unknown_user " },
	{ "Alice", "user=Alice why=unknown_user " },
	{ "my secret", "reset_asked why=unknown_user " },
	{ "alice@example.com", "why=unknown_user " },
};

START_TEST(others_are_sent_nothing)
{
	struct mail mail;
	const char *log;

	ask_and_handle(nobody[_i].typed);
	ck_assert(!claim(&mail));
	log = flow_logged(&f);
	ck_assert_msg(strstr(log, nobody[_i].said) != NULL, "%s", log);
	ck_assert_ptr_null(strstr(log, "secret"));
}
END_TEST

/* The address that the user has proven precedes the one in the user source. */
START_TEST(a_verified_address_is_preferred)
{
	const struct account_change change = { .user = STR("bob"),
					       .fields = ACCOUNT_VERIFIED_EMAIL,
					       .verified_email =
						   STR("b@example.org") };
	struct mail mail;
	struct err err;

	ck_assert_int_eq(factors_account_set(f.conns.factors,
					     flow_call(&f, now_ms()), &change,
					     &err),
			 0);
	ask_and_handle("bob");
	ck_assert(claim(&mail));
	ck_assert(str_eq(mail.to, STR("b@example.org")));
}
END_TEST

static const char *const bad_addresses[] = {
	"a", "a@b,c@d", "a@b\r\nBcc: c@d", "<a@b>", "\xc3\xa4@b",
};

START_TEST(an_address_is_one_address)
{
	struct mail mail;

	f.users_table.v[0].who.email = str_from(bad_addresses[_i]);
	ask_and_handle("alice");
	ck_assert(!claim(&mail));
}
END_TEST

START_TEST(a_user_gets_three_mails_in_an_hour)
{
	struct mail mail;

	for (int i = 0; i < 3; i++) {
		ask_and_handle("alice");
		ck_assert(claim(&mail));
		drop(&mail);
	}
	ask_and_handle("alice");
	ck_assert(!claim(&mail));
	ck_assert(flow_holds(str_from(flow_logged(&f)), "why=limited "));
	fake_env_advance(&f.fake, 3601);
	ask_and_handle("alice");
	ck_assert(claim(&mail));
}
END_TEST

/* A form in another language gets a mail in that language. */
START_TEST(the_mail_has_the_language_of_the_form)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       "REQUEST_URI=/auth/reset",
				       "CONTENT_TYPE=" JSON,
				       "HTTP_ACCEPT_LANGUAGE=de-AT,en;q=0.5",
				       NULL };
	struct mail mail;

	ck_assert_uint_eq(
	    flow_ask(&f, false, params, "{\"username\":\"alice\"}").status,
	    202);
	handle_next();
	ck_assert(claim(&mail));
	ck_assert(flow_holds(mail.body, "Benutzerkonto alice "));
	ck_assert(!flow_holds(mail.body, "{"));
}
END_TEST

/* A forged host does not get into the link. */
START_TEST(the_link_has_the_configured_host)
{
	static const char *const params[] = {
		"REQUEST_METHOD=POST",
		"REQUEST_URI=/auth/reset",
		"CONTENT_TYPE=" JSON,
		"HTTP_X_FORWARDED_HOST=evil.example",
		"HTTP_FORWARDED=host=evil.example",
		"HTTP_REFERER=https://evil.example/",
		NULL
	};
	static const char *const forged[] = { "REQUEST_METHOD=POST",
					      "REQUEST_URI=/auth/reset",
					      "CONTENT_TYPE=" JSON,
					      "HTTP_HOST=evil.example", NULL };
	const char *body = "{\"username\":\"alice\"}";
	struct mail mail;

	ck_assert_uint_eq(flow_ask(&f, false, forged, body).status, 400);
	ck_assert_uint_eq(flow_ask(&f, false, params, body).status, 202);
	handle_next();
	ck_assert(claim(&mail));
	ck_assert(link_works(&mail));
	ck_assert(!flow_holds(mail.body, "evil"));
}
END_TEST

/* What fails is done later, and then as if it had not failed. */
static void
expect_later(const struct mail *asked, unsigned n)
{
	struct mail mail;
	struct err err;

	ck_assert_msg(handle(asked, &err) == -1, "%u: handled", n);
	ck_assert_int_ne(err.code, ERR_INPUT);
	store_faulty_fail(&f.faulty, 0, false);
	factors_faulty_fail(&f.factors_faulty, 0, false);
	fake_env_advance(&f.fake, 30);
	ck_assert_msg(!claim(&mail), "%u: a mail is sent", n);
}

START_TEST(a_failure_is_tried_again)
{
	struct mail asked, mail;
	struct err err;

	/* Reads the secrets, which are not read again. */
	ask_and_handle("nobody");
	ck_assert_uint_eq(ask_from("192.0.2.7", "alice").status, 202);
	ck_assert(claim(&asked));
	drop(&asked);
	f.users_table.down = true;
	expect_later(&asked, 0);
	f.users_table.down = false;
	fake_env_advance(&f.fake, 300);
	for (unsigned n = 1; n <= 1; n++) {
		store_faulty_fail(&f.faulty, n, false);
		expect_later(&asked, n);
		fake_env_advance(&f.fake, 300);
	}
	for (unsigned n = 1; n <= 3; n++) {
		factors_faulty_fail(&f.factors_faulty, n, false);
		expect_later(&asked, n);
		fake_env_advance(&f.fake, 300);
	}
	ck_assert_int_eq(handle(&asked, &err), 0);
	ck_assert(claim(&mail));
	ck_assert(link_works(&mail));
}
END_TEST

/* A request that fails for lack of memory is tried again, and counts once. */
START_TEST(memory_may_run_out)
{
	struct mail asked, mail;
	struct err err;
	int rc = -1;

	ck_assert_uint_eq(ask_from("192.0.2.7", "alice").status, 202);
	ck_assert(claim(&asked));
	drop(&asked);
	for (unsigned n = 0; rc != 0; n++) {
		struct arena *a = arena_new(1 << 20);

		ck_assert_ptr_nonnull(a);
		arena_fail_after(a, n);
		rc = reset_mail_handle(f.service, &f.conns, a, &asked, &err);
		ck_assert(rc == 0 || err.code != ERR_INPUT);
		ck_assert_int_eq(claim(&mail), rc == 0);
		arena_free(a);
		fake_env_advance(&f.fake, 30);
	}
	ck_assert(link_works(&mail));
	ck_assert(!flow_holds(str_from(flow_logged(&f)), "why=limited"));
}
END_TEST

static const char *const damaged[] = { "", "en\n192.0.2.7\n", "\n\n\n" };

START_TEST(a_damaged_request_is_given_up)
{
	const struct mail asked = { .kind = STR(RESET_ASKED),
				    .body = str_from(damaged[_i]) };
	struct err err;

	ck_assert_int_eq(handle(&asked, &err), -1);
	ck_assert_int_eq(err.code, ERR_INPUT);
}
END_TEST

/* Sets the password of a user as an account page or a link does. */
static int
change_password(const char *name)
{
	static const char *const params[] = { NULL };
	static struct flow_exchange x;
	struct new_password_result r;
	struct user_answer is;
	struct err err;
	const struct new_password n = { .user = &is.user,
					.password =
					    STR("a quite different phrase") };

	flow_exchange(&f, params, &x);
	ck_assert_int_eq(users_find(x.e.call.users, &x.e.call, str_from(name),
				    &is, &err),
			 0);
	if (new_password_give(&x.e, &n, &r, &err) != 0)
		return -1;
	ck_assert_int_eq(r.answer, NEW_PASSWORD_DONE);
	return 0;
}

START_TEST(a_change_is_told_to_the_user)
{
	struct mail mail;

	ck_assert_int_eq(change_password("bob"), 0);
	ck_assert(!claim(&mail));
	ck_assert_int_eq(change_password("alice"), 0);
	ck_assert(claim(&mail));
	ck_assert(str_eq(mail.kind, STR("password_changed")));
	ck_assert(str_eq(mail.to, STR("alice@example.com")));
	ck_assert(flow_holds(mail.body, "the address 192.0.2.7."));
	ck_assert(!flow_holds(mail.body, "/auth/link/"));
}
END_TEST

/* The notice asks for the account, and is then put into the outbox. */
START_TEST(a_notice_that_fails_undoes_nothing)
{
	struct mail mail;

	flow_no_factors(&f);
	ck_assert_int_eq(change_password("alice"), 0);
	factors_conn_bind(f.conns.factors, f.factors);
	for (unsigned n = 1; n <= 2; n++) {
		ck_assert(!claim(&mail)); /* connects */
		/* Before it: the links are voided, the account is read. */
		factors_faulty_fail(&f.factors_faulty, 2 + n, false);
		ck_assert_int_eq(change_password("alice"), 0);
		ck_assert(flow_holds(str_from(flow_logged(&f)),
				     "notice_not_queued user=alice "));
		factors_faulty_fail(&f.factors_faulty, 0, false);
		fake_env_advance(&f.fake, 60);
	}
	ck_assert(!claim(&mail));
}
END_TEST

/* Returns whether a sign-in from an address causes a notice. */
static bool
is_told(const char *address)
{
	struct mail mail;

	ck_assert_uint_eq(flow_sign_in(&f, "alice", FLOW_PASSWORD,
				       flow_text(&f, "REMOTE_ADDR=%s", address))
			      .status,
			  200);
	if (!claim(&mail))
		return false;
	drop(&mail);
	ck_assert(str_eq(mail.kind, STR("new_network")));
	ck_assert(str_eq(mail.to, STR("alice@example.com")));
	ck_assert(flow_holds(mail.body,
			     flow_text(&f, "the address %s.", address)));
	return true;
}

static void
use_notices(void)
{
	flow_free(&f);
	flow_init(&f, RESET_INI "notify_login = yes\n");
	flow_log(&f, LOG_INFO);
}

START_TEST(a_new_network_is_told_to_the_user)
{
	use_notices();
	ck_assert(!is_told("192.0.2.7")); /* the first one of all */
	ck_assert(!is_told("192.0.2.7"));
	ck_assert(is_told("192.0.2.8"));
	ck_assert(!is_told("192.0.2.8"));
	ck_assert(is_told("2001:db8::1"));
	ck_assert(!is_told("2001:db8::2"));
	ck_assert_uint_eq(
	    flow_sign_in(&f, "alice", "wrong", "REMOTE_ADDR=192.0.2.9").status,
	    401);
	ck_assert(is_told("192.0.2.9"));
}
END_TEST

static const struct {
	bool on;
	enum account_notify notify;
	bool told;
} notify_rows[] = {
	{ false, NOTIFY_DEFAULT, false }, { false, NOTIFY_YES, true },
	{ false, NOTIFY_NO, false },	  { true, NOTIFY_DEFAULT, true },
	{ true, NOTIFY_YES, true },	  { true, NOTIFY_NO, false },
};

/* What the user has chosen precedes the configuration. */
START_TEST(a_user_chooses_notices)
{
	const struct account_change change = { .user = STR("alice"),
					       .fields = ACCOUNT_NOTIFY,
					       .notify =
						   notify_rows[_i].notify };
	struct err err;

	if (notify_rows[_i].on)
		use_notices();
	ck_assert_int_eq(factors_account_set(f.conns.factors,
					     flow_call(&f, now_ms()), &change,
					     &err),
			 0);
	ck_assert(!is_told("192.0.2.7"));
	ck_assert_int_eq(is_told("192.0.2.8"), notify_rows[_i].told);
}
END_TEST

/* Before the notice the factor store is asked whether the password must be
 * changed. */
START_TEST(a_sign_in_does_not_need_its_notice)
{
	use_notices();
	(void)is_told("192.0.2.7");
	for (unsigned n = 2; n <= 3; n++) {
		factors_faulty_fail(&f.factors_faulty, n, false);
		ck_assert(!is_told(flow_text(&f, "192.0.2.1%u", n)));
		ck_assert(flow_holds(str_from(flow_logged(&f)),
				     "notice_not_queued user=alice "));
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("reset mail");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_user_is_sent_a_link);
	tcase_add_test(t, a_newer_link_voids_an_older_one);
	tcase_add_loop_test(t, others_are_sent_nothing, 0, ARRAY_LEN(nobody));
	tcase_add_test(t, a_verified_address_is_preferred);
	tcase_add_loop_test(t, an_address_is_one_address, 0,
			    ARRAY_LEN(bad_addresses));
	tcase_add_test(t, a_user_gets_three_mails_in_an_hour);
	tcase_add_test(t, the_mail_has_the_language_of_the_form);
	tcase_add_test(t, the_link_has_the_configured_host);
	tcase_add_test(t, a_failure_is_tried_again);
	tcase_add_test(t, memory_may_run_out);
	tcase_add_loop_test(t, a_damaged_request_is_given_up, 0,
			    ARRAY_LEN(damaged));
	tcase_add_test(t, a_change_is_told_to_the_user);
	tcase_add_test(t, a_notice_that_fails_undoes_nothing);
	tcase_add_test(t, a_new_network_is_told_to_the_user);
	tcase_add_loop_test(t, a_user_chooses_notices, 0,
			    ARRAY_LEN(notify_rows));
	tcase_add_test(t, a_sign_in_does_not_need_its_notice);
	return run_case(t);
}
