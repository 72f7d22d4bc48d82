/* SPDX-License-Identifier: MIT */
/* Contract: operations that are refused or fail. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/call.h"
#include "tests/support/factors_faulty.h"

static const uint8_t no_id[MAIL_ID_BYTES];

START_TEST(invalid_texts_are_refused)
{
	static char large[MAIL_BODY_MAX + 1];
	struct fixture *r = fixture_open();
	struct one_time s = fixture_secret(r, ONE_TIME_RESET, 1);
	struct mail m = fixture_mail(r, "reset");
	struct account_change change = { .user = STR("no such name") };

	memset(large, 'x', sizeof(large));
	FAILS(r, factors_account_set(r->conn, NOW(r), &change, &r->err),
	      ERR_INPUT, "user");
	change.user = STR("alice");
	change.verified_email =
	    (struct str){ .p = large, .n = IDENTITY_TEXT_MAX + 1 };
	FAILS(r, factors_account_set(r->conn, NOW(r), &change, &r->err),
	      ERR_INPUT, "verified_email");
	s.data = (struct str){ .p = large, .n = ONE_TIME_DATA_MAX + 1 };
	FAILS(r, factors_one_time_put(r->conn, NOW(r), &s, true, &r->err),
	      ERR_INPUT, "data");
	s.data = (struct str){ .p = "a\0b", .n = 3 };
	FAILS(r, factors_one_time_put(r->conn, NOW(r), &s, true, &r->err),
	      ERR_INPUT, "data");
	s.data = STR("\xff");
	FAILS(r, factors_one_time_put(r->conn, NOW(r), &s, true, &r->err),
	      ERR_INPUT, "data");
	m.body = (struct str){ .p = large, .n = sizeof(large) };
	FAILS(r, factors_mail_add(r->conn, NOW(r), &m, &r->err), ERR_INPUT,
	      "body");
	m.body = STR("");
	m.to = STR("");
	FAILS(r, factors_mail_add(r->conn, NOW(r), &m, &r->err), ERR_INPUT,
	      "address");
	fixture_close(r);
}
END_TEST

START_TEST(no_random_numbers_is_a_failure)
{
	struct fixture *r = fixture_open();
	const struct account_change change = { .user = STR("alice"),
					       .fields = ACCOUNT_NOTIFY };
	const struct mail m = fixture_mail(r, "reset");

	r->fake.no_entropy = true;
	HOLDS(r, factors_account_set(r->conn, NOW(r), &change, &r->err) == -1);
	HOLDS(r, factors_mail_add(r->conn, NOW(r), &m, &r->err) == -1);
	r->fake.no_entropy = false;
	fixture_close(r);
}
END_TEST

/* A secret cannot be added twice. */
START_TEST(the_same_secret_is_refused)
{
	struct fixture *r = fixture_open();
	struct one_time s = fixture_secret(r, ONE_TIME_TICKET, 1), other = s;

	fixture_put(r, &s, false);
	other.user = STR("bob");
	HOLDS(r, factors_one_time_put(r->conn, NOW(r), &other, false,
				      &r->err) == -1);
	HOLDS(r, fixture_is_valid(r, &s, r->now));
	fixture_close(r);
}
END_TEST

/* Outputs of the operations, which a failure must not touch. */
struct outputs {
	struct account account;
	struct one_time_answer secret;
	struct mail_list mails;
	int64_t n;
};

static struct outputs
untouched(void)
{
	return (struct outputs){ .account.since_ms = -7,
				 .secret.secret.created_ms = -7,
				 .mails.n = 77,
				 .n = -7 };
}

static bool
are_untouched(const struct outputs *o)
{
	return o->account.since_ms == -7 && o->secret.secret.created_ms == -7 &&
	       o->mails.n == 77 && o->n == -7;
}

#define OPERATIONS 12

/* Executes the n-th operation. */
static int
operation(struct fixture *r, int n, struct outputs *o)
{
	const struct one_time s = fixture_secret(r, ONE_TIME_RESET, 1),
			      t = fixture_secret(r, ONE_TIME_EMAIL, 2);
	const struct account_change change = { .user = STR("bob"),
					       .fields = ACCOUNT_NOTIFY };
	const struct mail m = fixture_mail(r, "reset");
	const struct mail_retry retry = { .tries = 1 };
	struct factors_conn *k = r->conn;
	struct err *e = &r->err;

	switch (n) {
	case 0:
		return factors_account(k, NOW(r), STR("alice"), &o->account, e);
	case 1:
		return factors_account_set(k, NOW(r), &change, e);
	case 2:
		return factors_one_time_put(k, NOW(r), &t, true, e);
	case 3:
		return factors_one_time_peek(k, NOW(r), &s.hash, s.kind,
					     &o->secret, e);
	case 4:
		return factors_one_time_take(k, NOW(r), &s.hash, s.kind,
					     &o->secret, e);
	case 5:
		return factors_one_time_void(k, NOW(r), STR("alice"),
					     ONE_TIME_LINKS, &o->n, e);
	case 6:
		return factors_mail_add(k, NOW(r), &m, e);
	case 7:
		return factors_mail_claim(k, NOW(r), 9, 1, &o->mails, e);
	case 8:
		return factors_mail_done(k, NOW(r), no_id, e);
	case 9:
		return factors_mail_retry(k, NOW(r), &retry, e);
	case 10:
		return factors_remove_user(k, NOW(r), STR("alice"), &o->n, e);
	case 11:
		return factors_sweep(k, NOW(r), 9, &o->n, e);
	default:
		ck_abort_msg("operation %d", n);
	}
}

/* The answer to a refused operation is a failure, never "there is none", and
 * nothing is changed. */
START_TEST(a_refused_operation_changes_nothing)
{
	struct fixture *r = fixture_open();
	const struct one_time s = fixture_secret(r, ONE_TIME_RESET, 1);
	struct outputs o = untouched();

	if (factors_kind.refuse == NULL) {
		fixture_close(r);
		return;
	}
	fixture_put(r, &s, true);
	for (int i = 0; i < OPERATIONS; i++) {
		/* The connection works until now: the operation itself is
		 * refused. */
		fake_env_advance_ms(&r->fake, 1000);
		OK(r, factors_ping(r->conn, &r->err));
		factors_kind.refuse(r->path, true);
		FAILS(r, operation(r, i, &o), ERR_UNAVAILABLE, r->name);
		FAILS(r, factors_ping(r->conn, &r->err), ERR_UNAVAILABLE,
		      r->name);
		factors_kind.refuse(r->path, false);
		HOLDS(r, are_untouched(&o));
	}
	fake_env_advance_ms(&r->fake, 1000);
	HOLDS(r, fixture_is_valid(r, &s, r->now));
	fixture_close(r);
}
END_TEST

/* Each allocation of each operation fails once: the operation fails, or does
 * not need it. A secret that could not be returned may be gone, but it is never
 * returned twice. */
START_TEST(a_lack_of_memory_is_a_failure)
{
	struct fixture *r = fixture_open();

	for (int op = 0; op < OPERATIONS; op++) {
		for (unsigned n = 1;; n++) {
			const struct one_time s =
			    fixture_secret(r, ONE_TIME_RESET, 1);
			struct outputs o = untouched();
			int64_t ignored;
			int result;

			OK(r, factors_remove_user(r->conn, NOW(r), STR("alice"),
						  &ignored, &r->err));
			fixture_put(r, &s, true);
			fixture_add_mail(r, "reset", r->now);
			arena_reset(r->a);
			arena_fail_after(r->a, n);
			result = operation(r, op, &o);
			HOLDS(r, result == 0 || are_untouched(&o));
			if (!arena_has_failed(r->a))
				break;
			arena_fail_after(r->a, 0);
			SAME(r, result, -1);
		}
		arena_fail_after(r->a, 0);
	}
	fixture_close(r);
}
END_TEST

/* A connection that fails is made again, and nothing is answered meanwhile. */
START_TEST(a_fault_is_a_failure)
{
	struct fixture *r = fixture_open();
	static struct factors_faulty faulty;
	struct factors_conn *conn = factors_conn_new(&r->fake.env), *was;
	const struct one_time s = fixture_secret(r, ONE_TIME_RESET, 1);
	struct backend *b;

	factors_faulty_init(&faulty, r->ops, NULL);
	if (factors_kind.configure != NULL) {
		factors_conn_free(conn);
		fixture_close(r); /* the wrapper has no settings to give */
		return;
	}
	OK(r, factors_open(&faulty.ops, &faulty, &r->fake.env, &b, &r->err));
	factors_conn_bind(conn, b);
	was = r->conn;
	r->conn = conn;
	fixture_put(r, &s, true);
	for (int i = 0; i < OPERATIONS; i++) {
		struct outputs o = untouched();

		fake_env_advance_ms(&r->fake, 60000);
		HOLDS(r, fixture_is_valid(r, &s, r->now));
		factors_faulty_fail(&faulty, 1, true);
		FAILS(r, operation(r, i, &o), ERR_UNAVAILABLE, "told to fail");
		HOLDS(r, are_untouched(&o));
		factors_faulty_fail(&faulty, 0, false);
	}
	fake_env_advance_ms(&r->fake, 60000);
	HOLDS(r, fixture_is_valid(r, &s, r->now));
	r->conn = was;
	factors_conn_free(conn);
	backend_unref(b);
	fixture_close(r);
}
END_TEST

TCase *
factors_refused_cases(void)
{
	TCase *t = new_case("refused");

	tcase_add_test(t, invalid_texts_are_refused);
	tcase_add_test(t, no_random_numbers_is_a_failure);
	tcase_add_test(t, the_same_secret_is_refused);
	tcase_add_test(t, a_refused_operation_changes_nothing);
	tcase_add_test(t, a_lack_of_memory_is_a_failure);
	tcase_add_test(t, a_fault_is_a_failure);
	return t;
}
