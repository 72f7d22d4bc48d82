/* SPDX-License-Identifier: MIT */
/* Contract: which token finds a session, and that it is found whole. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
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
	OK(r, store_find(r->conn, NOW(r), &unknown, NULL, &got, &r->err));
	HOLDS(r, !got.found);
	OK(r, store_find(r->conn, NOW(r), &s.id, NULL, &got, &r->err));
	HOLDS(r, got.found && session_same(&s, &got.session));
	OK(r, store_find(r->conn, AT(r, s.idle_expires_ms), &s.id, NULL, &got,
			 &r->err));
	HOLDS(r, !got.found);
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	OK(r, store_find(r->conn, NOW(r), &s.id, NULL, &got, &r->err));
	HOLDS(r, !got.found);
	fixture_close(r);
}
END_TEST

#define AGENTS	 300 /* more than a store may keep for several sessions */
#define SESSIONS (2 * AGENTS)

/* A store may keep texts once that several sessions have. */
START_TEST(sessions_keep_their_user_agents)
{
	static struct session made[SESSIONS];
	static char agents[AGENTS][24];
	struct fixture *r = fixture_open(_i);
	struct session_answer got;
	bool ended;

	for (int i = 0; i < SESSIONS; i++) {
		char *agent = agents[i % AGENTS];

		(void)snprintf(agent, sizeof(agents[0]), "agent %d",
			       i % AGENTS);
		made[i] = fixture_session(r, "alice", r->now);
		made[i].user_agent = str_from(agent);
		OK(r,
		   store_create(r->conn, NOW(r), &made[i], 0, NULL, &r->err));
	}
	for (int i = 0; i < SESSIONS; i += 3)
		OK(r,
		   store_revoke(r->conn, NOW(r), &made[i].id, &ended, &r->err));
	for (int i = 0; i < SESSIONS; i++) {
		got = fixture_find(r, &made[i], r->now);
		HOLDS(r, got.found == (i % 3 != 0));
		HOLDS(r, !got.found || session_same(&made[i], &got.session));
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
	tcase_add_loop_test(t, sessions_keep_their_user_agents, 0, n);
	return t;
}
