/* SPDX-License-Identifier: MIT */
/* Contract: the store is reachable but refuses. Every operation returns an
 * error, sets no output and has no effect. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <string.h>

/* The connection works until now: the call itself is refused. */
static void
begin_to_refuse(struct fixture *r)
{
	fake_env_advance_ms(&r->fake, 1000); /* past the back-off */
	OK(r, store_ping(r->conn, &r->err));
	store_kinds[r->kind].refuse(r->path, true);
}

#define REFUSED(call)                                                          \
	do {                                                                   \
		begin_to_refuse(r);                                            \
		FAILS(r, call, ERR_UNAVAILABLE, r->name);                      \
		store_kinds[r->kind].refuse(r->path, false);                   \
	} while (0)

static void
refuse_sessions(struct fixture *r, const struct session *s)
{
	const struct rotation how = fixture_rotation(r, &s->token, 0);
	const struct session new = fixture_session(r, "alice", r->now);
	const struct password_mark mark = { .b = { 7 } };
	const struct session_cursor start = { .created_ms = 0 };
	struct session_cursor cursor = start;
	struct session_answer got = { .found = true, .session = new };
	struct session_list list = { .n = 7 };
	struct session_counts counts = { .users = 7 };
	struct rotated rotated = { .answer = ROTATE_FUTURE };
	int64_t n = 7;
	bool is = true;

	REFUSED(store_create(r->conn, NOW(r), &new, 0, &n, &r->err));
	REFUSED(store_create(r->conn, NOW(r), &new, 1, &n, &r->err));
	REFUSED(store_find(r->conn, NOW(r), &s->id, &s->token, &got, &r->err));
	REFUSED(store_touch(r->conn, NOW(r),
			    TOUCH(s->id, r->now + 1, r->now + 4000), &r->err));
	REFUSED(store_rotate(r->conn, NOW(r), &how, &rotated, &r->err));
	REFUSED(store_revoke(r->conn, NOW(r), &s->id, &is, &r->err));
	REFUSED(store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n,
				  &r->err));
	REFUSED(store_revoke_all(r->conn, NOW(r), &n, &r->err));
	REFUSED(store_update_user(r->conn, NOW(r), &s->who, &r->err));
	REFUSED(store_remark(r->conn, NOW(r),
			     REMARK(STR("alice"), s->mark, mark), &r->err));
	REFUSED(store_list(r->conn, NOW(r), LISTED(STR("alice"), 9), &cursor,
			   &list, &r->err));
	REFUSED(store_list(r->conn, NOW(r),
			   LISTED((struct str){ .p = NULL }, 9), &cursor, &list,
			   &r->err));
	REFUSED(store_count_sessions(r->conn, NOW(r), &counts, &r->err));
	HOLDS(r, is && n == 7 && list.n == 7 && counts.users == 7);
	HOLDS(r, rotated.answer == ROTATE_FUTURE);
	HOLDS(r, got.found && session_same(&got.session, &new));
	ck_assert_mem_eq(&cursor, &start, sizeof(cursor));
}

static void
refuse_the_rest(struct fixture *r)
{
	const struct attempt_policy policy = { 1, 100, 200 };
	const struct str key = STR("user:x");
	const struct login_keys keys = { .v = { { key, 9 } }, .n = 1 };
	struct login_count count = { .counted = true };
	struct known_networks known = { .n = 7 };
	struct attempt attempt = { .count = 7 };
	struct ban_list bans = { .n = 7 };
	uint8_t secret[32] = { 9 };
	int64_t n = 7;
	bool is = true;

	REFUSED(store_ping(r->conn, &r->err));
	REFUSED(store_secret(r->conn, NOW(r), "x", secret, &r->err));
	REFUSED(store_standing(r->conn, NOW(r), &keys, &count.standing,
			       &r->err));
	REFUSED(store_count(r->conn, NOW(r), &keys, &count, &r->err));
	REFUSED(store_attempt(r->conn, NOW(r), key, &policy, &attempt,
			      &r->err));
	REFUSED(store_give_back(r->conn, NOW(r), key, r->now, &r->err));
	REFUSED(ask_ban(r->conn, NOW(r), key, 200, &n, &r->err));
	REFUSED(store_reset_attempts(r->conn, NOW(r), key, &is, &r->err));
	REFUSED(store_bans(r->conn, NOW(r), 200, 9, &bans, &r->err));
	REFUSED(learn_network(r->conn, NOW(r), STR("x"), known.v, &r->err));
	REFUSED(store_networks(r->conn, NOW(r), STR("x"), &known, &r->err));
	REFUSED(store_unlearn(r->conn, NOW(r), STR("x"), &r->err));
	REFUSED(store_deny(r->conn, NOW(r), DENIAL(key, r->now, r->now + 9),
			   &r->err));
	REFUSED(store_denied(r->conn, NOW(r), ASKED(&key, 1, r->now), &is,
			     &r->err));
	REFUSED(store_sweep(r->conn, NOW(r), 9, &n, &r->err));
	HOLDS(r, is && n == 7 && known.n == 7 && bans.n == 7);
	HOLDS(r, count.counted && secret[0] == 9 && attempt.count == 7);
}

START_TEST(a_refused_operation_has_no_effect)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer got;

	if (store_kinds[r->kind].refuse != NULL) {
		refuse_sessions(r, &s);
		refuse_the_rest(r);
	}
	fake_env_advance_ms(&r->fake, 1000);
	got = fixture_find(r, &s, r->now);
	HOLDS(r, got.found && session_same(&got.session, &s));
	SAME(r, fixture_live(r, NULL, r->now), 1);
	fixture_close(r);
}
END_TEST

/* A key that no store could keep is refused before the store is used. */
START_TEST(invalid_keys_are_refused)
{
	const struct str bad[] = { STR(""), STR("a\0b") };
	const struct attempt_policy policy = { .max = 5,
					       .window_ms = 100,
					       .ban_ms = 100 };
	struct known_networks known = { .n = 7 };
	struct attempt attempt = { .count = 7 };
	struct login_count count = { .counted = true };
	struct fixture *r = fixture_open(_i);
	int64_t until = 7;
	bool is = true;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct login_keys keys = { .v = { { .key = STR("a") } },
					   .n = 2 };
		struct login_success s = { .key = STR("a"), .n = 1 };
		struct str key = bad[i];

#define WRONG(call) FAILS(r, call, ERR_INPUT, "key")
		WRONG(store_attempt(r->conn, NOW(r), key, &policy, &attempt,
				    &r->err));
		WRONG(store_give_back(r->conn, NOW(r), key, r->now, &r->err));
		WRONG(ask_ban(r->conn, NOW(r), key, 100, &until, &r->err));
		WRONG(store_reset_attempts(r->conn, NOW(r), key, &is, &r->err));
		keys.v[1].key = key;
		s.v[0].key = key;
		WRONG(store_count(r->conn, NOW(r), &keys, &count, &r->err));
		WRONG(store_succeed(r->conn, NOW(r), &s, &r->err));
		s.n = 0;
		s.network.until_ms = 9;
		s.user = key;
		WRONG(store_succeed(r->conn, NOW(r), &s, &r->err));
		WRONG(store_networks(r->conn, NOW(r), key, &known, &r->err));
		WRONG(store_unlearn(r->conn, NOW(r), key, &r->err));
#undef WRONG
	}
	HOLDS(r, count.counted);
	HOLDS(r, is && until == 7 && known.n == 7 && attempt.count == 7);
	fixture_close(r);
}
END_TEST

TCase *
store_refused_cases(void)
{
	TCase *t = new_case("refused");

	tcase_add_loop_test(t, a_refused_operation_has_no_effect, 0,
			    fixture_count());
	tcase_add_loop_test(t, invalid_keys_are_refused, 0, fixture_count());
	return t;
}
