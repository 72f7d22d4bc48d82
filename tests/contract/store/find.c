/* SPDX-License-Identifier: MIT */
/* Contract: which token finds a session. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

#include <string.h>

START_TEST(an_unknown_token_finds_nothing)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer got;
	const struct session none = { .damage = NULL };

	s.token.b[31] ^= 1; /* the last bit counts */
	got = fixture_find(r, &s, r->now);
	HOLDS(r, !got.found);
	HOLDS(r, session_same(&got.session, &none));
	memset(&s.token, 0, sizeof(s.token));
	HOLDS(r, !fixture_find(r, &s, r->now).found);
	fixture_close(r);
}
END_TEST

/* Without a token, its id is enough to find a session. */
START_TEST(any_token_finds_a_live_session)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct session_id unknown = s.id;
	struct session_answer got = { .found = true };
	bool ended;

	unknown.b[15] ^= 1;
	if (store_kinds[r->kind].finds_any_token) {
		OK(r,
		   store_find(r->conn, NOW(r), &unknown, NULL, &got, &r->err));
		HOLDS(r, !got.found);
		OK(r, store_find(r->conn, NOW(r), &s.id, NULL, &got, &r->err));
		HOLDS(r, got.found && session_same(&s, &got.session));
		OK(r, store_find(r->conn, AT(r, s.idle_expires_ms), &s.id, NULL,
				 &got, &r->err));
		HOLDS(r, !got.found);
		OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
		OK(r, store_find(r->conn, NOW(r), &s.id, NULL, &got, &r->err));
		HOLDS(r, !got.found);
	}
	fixture_close(r);
}
END_TEST

TCase *
store_find_cases(void)
{
	TCase *t = new_case("find");
	int n = fixture_count();

	tcase_add_loop_test(t, an_unknown_token_finds_nothing, 0, n);
	tcase_add_loop_test(t, any_token_finds_a_live_session, 0, n);
	return t;
}
