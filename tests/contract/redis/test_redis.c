/* SPDX-License-Identifier: MIT */
/* Properties of the Redis store alone: scripts, memory, rights, prefixes. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"
#include "tests/support/run.h"

#include <stdio.h>

#include <signal.h>
#include <string.h>

#include "backends/redis/client/conn.h"

static const struct attempt_policy policy = { .max = 1,
					      .window_ms = 100,
					      .ban_ms = 200 };

/* A server forgets the scripts when it is restarted or replaced. */
START_TEST(scripts_are_forgotten)
{
	struct fixture *r = fixture_open();
	const struct str key = STR("user:alice");
	struct session s, other;
	struct rotation use;
	enum rotate_answer answer;
	const struct known_network network = { .until_ms = r->now + 9 };
	struct attempt attempt;
	int64_t n;
	bool yes;

	for (int i = 0; i < 3; i++) {
#define AFTER_FLUSH(call)                                                      \
	do {                                                                   \
		(void)fixture_redis(r, "SCRIPT FLUSH");                        \
		OK(r, call);                                                   \
	} while (0)
		s = fixture_session(r, "alice", r->now);
		AFTER_FLUSH(store_create(r->conn, NOW(r), &s, 2, &n, &r->err));
		(void)fixture_redis(r, "SCRIPT FLUSH");
		HOLDS(r, fixture_is_alive(r, &s, r->now));
		AFTER_FLUSH(store_touch(r->conn, NOW(r),
					TOUCH(s.id, r->now + 1, r->now + 3601),
					&r->err));
		use = fixture_rotation(r, &s);
		AFTER_FLUSH(fixture_rotate(r, &s, &use, r->now + 1, &answer));
		SAME(r, answer, ROTATE_DONE);
		AFTER_FLUSH(store_update_user(r->conn, NOW(r), &s.who,
					      &r->err));
		AFTER_FLUSH(store_attempt(r->conn, NOW(r), key, &policy,
					  &attempt, &r->err));
		AFTER_FLUSH(store_give_back(r->conn, NOW(r), key,
					    attempt.ends_ms, &r->err));
		AFTER_FLUSH(learn_network(r->conn, NOW(r), key, &network,
					  &r->err));
		AFTER_FLUSH(store_deny(r->conn, NOW(r),
				       DENIAL(key, r->now, r->now + 9),
				       &r->err));
		AFTER_FLUSH(store_denied(r->conn, NOW(r),
					 ASKED(&key, 1, r->now), &yes,
					 &r->err));
		HOLDS(r, yes);
		AFTER_FLUSH(store_reset_attempts(r->conn, NOW(r), key, &yes,
						 &r->err));
		other = fixture_create(r, "bob", r->now);
		AFTER_FLUSH(store_revoke(r->conn, NOW(r), &s.id, &yes,
					 &r->err));
		HOLDS(r, yes);
		AFTER_FLUSH(store_revoke_user(r->conn, NOW(r), STR("bob"), NULL,
					      &n, &r->err));
		SAME(r, n, 1);
		HOLDS(r, !fixture_is_alive(r, &other, r->now));
		AFTER_FLUSH(store_sweep(r->conn, AT(r, r->now + 99999), 9, &n,
					&r->err));
		AFTER_FLUSH(store_revoke_all(r->conn, NOW(r), &n, &r->err));
	}
	fixture_close(r);
}
END_TEST

/* Without memory no session is created, but existing ones stay usable and can
 * be revoked. */
START_TEST(no_memory_left)
{
	struct fixture *r = fixture_open();
	struct session s[3], more = fixture_session(r, "alice", r->now);
	int64_t n;
	bool ended;

	for (int i = 0; i < 3; i++)
		s[i] = fixture_create(r, "alice", r->now + i);
	for (int round = 0; round < 2; round++) {
		/* In the second round the server knows no script. */
		(void)fixture_redis(r, "CONFIG SET maxmemory 1");
		if (round == 1)
			(void)fixture_redis(r, "SCRIPT FLUSH");
		FAILS(r, store_create(r->conn, NOW(r), &more, 0, NULL, &r->err),
		      ERR_UNAVAILABLE, "OOM");
		FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, "OOM");
		FAILS(r,
		      store_deny(r->conn, NOW(r), DENIAL(STR("k"), 0, 1),
				 &r->err),
		      ERR_UNAVAILABLE, "OOM");
		FAILS(r,
		      store_touch(r->conn, NOW(r),
				  TOUCH(s[2].id, r->now + 9, r->now + 9999),
				  &r->err),
		      ERR_UNAVAILABLE, "OOM");
		HOLDS(r, fixture_is_alive(r, &s[round], r->now));
		OK(r, store_revoke(r->conn, NOW(r), &s[round].id, &ended,
				   &r->err));
		HOLDS(r, ended);
		HOLDS(r, !fixture_is_alive(r, &s[round], r->now));
		SAME(r, fixture_live(r, "alice", r->now), 2 - round);
		(void)fixture_redis(r, "CONFIG SET maxmemory 0");
		OK(r, store_ping(r->conn, &r->err));
	}
	(void)fixture_redis(r, "CONFIG SET maxmemory 1");
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	SAME(r, n, 1);
	/* The refused operations left nothing behind. */
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

START_TEST(a_replica_is_not_usable)
{
	struct fixture *r = fixture_open();

	OK(r, store_ping(r->conn, &r->err));
	(void)fixture_redis(r, "REPLICAOF 127.0.0.1 1");
	FAILS(r, store_ping(r->conn, &r->err), ERR_UNAVAILABLE, "READONLY");
	(void)fixture_redis(r, "REPLICAOF NO ONE");
	fixture_forgive(r);
	OK(r, store_ping(r->conn, &r->err));
	fixture_close(r);
}
END_TEST

/* Runs each operation once; returns false at the first one that is refused. */
static bool
all_works(struct fixture *r, struct store_conn *conn)
{
	const struct str key = STR("user:alice");
	const struct call *c = NOW(r);
	struct session s = fixture_session(r, "alice", r->now);
	struct session_answer got;
	struct session_cursor cursor = { .created_ms = 0 };
	struct rotation use = fixture_rotation(r, &s);
	struct rotated rotated;
	struct session_list list;
	uint8_t secret[32] = { 1 };
	const struct known_network network = { .until_ms = r->now + 9 };
	struct known_networks nets;
	struct attempt attempt;
	struct ban_list bans;
	int64_t n;
	bool is;

	use.id = s.id;
#define WORKS(call) (store_##call == 0)
	return WORKS(ping(conn, &r->err)) &&
	       WORKS(secret(conn, c, "csrf", secret, &r->err)) &&
	       WORKS(create(conn, c, &s, 1, &n, &r->err)) &&
	       WORKS(find(conn, c, &s.id, &s.token, &got, &r->err)) &&
	       got.found &&
	       WORKS(touch(conn, c, TOUCH(s.id, r->now + 1, r->now + 3601),
			   &r->err)) &&
	       WORKS(rotate(conn, c, &use, &rotated, &r->err)) &&
	       WORKS(update_user(conn, c, &s.who, &r->err)) &&
	       WORKS(list(conn, c, LISTED(s.who.name, 9), &cursor, &list,
			  &r->err)) &&
	       list.n == 1 &&
	       WORKS(attempt(conn, c, key, &policy, &attempt, &r->err)) &&
	       WORKS(give_back(conn, c, key, attempt.ends_ms, &r->err)) &&
	       learn_network(conn, c, key, &network, &r->err) == 0 &&
	       WORKS(networks(conn, c, key, &nets, &r->err)) &&
	       WORKS(unlearn(conn, c, key, &r->err)) &&
	       ask_ban(conn, c, key, 9, &n, &r->err) == 0 &&
	       WORKS(bans(conn, c, 9, 9, &bans, &r->err)) &&
	       WORKS(reset_attempts(conn, c, key, &is, &r->err)) &&
	       WORKS(deny(conn, c, DENIAL(key, r->now, r->now + 9), &r->err)) &&
	       WORKS(denied(conn, c, ASKED(&key, 1, r->now), &is, &r->err)) &&
	       WORKS(revoke_user(conn, c, s.who.name, NULL, &n, &r->err)) &&
	       WORKS(sweep(conn, AT(r, r->now + 99999), 9, &n, &r->err)) &&
	       WORKS(revoke_all(conn, c, &n, &r->err)) &&
	       WORKS(revoke(conn, c, &s.id, &is, &r->err));
}

/* Each right that the manual names is needed. */
START_TEST(rights_that_are_needed)
{
	const struct option *o = option_find(redis_options, STR("username"));
	struct fixture *r = fixture_open();
	struct str all = str_from(o->help), left, right;
	struct store_conn *conn;
	char line[512];

	all = str_skip(all, str_find(all, '~') + strlen("~PREFIX* "));
	all.n = str_find(all, '.');
	(void)snprintf(line, sizeof(line),
		       "ACL SETUSER u reset on >p ~fcgiauth:* %.*s",
		       STR_ARG(all));
	left = all;
	while (str_word(&left, &right)) {
		char change[64];

		test_redis_do(&r->server, line);
		conn = fixture_conn(r, "fcgiauth:", "u", "p");
		ck_assert_msg(all_works(r, conn), "%s", r->err.msg);
		(void)snprintf(change, sizeof(change), "ACL SETUSER u -%.*s",
			       (int)right.n - 1, right.p + 1);
		test_redis_do(&r->server, change);
		test_redis_do(&r->server, "SCRIPT FLUSH");
		ck_assert_msg(str_eq(right, STR("+info")) == all_works(r, conn),
			      "%.*s", STR_ARG(right));
		fixture_conn_end(conn);
		(void)fixture_redis(r, "FLUSHALL");
	}
	fixture_close(r);
}
END_TEST

/* ping() fails if a sign-in would fail. */
START_TEST(ping_needs_what_a_login_needs)
{
	static const char *const without[] = {
		"-@scripting",
		"-zadd",
		"-del",
		"-set",
		"-zcard",
		"-get",
		"-getrange",
		"-setrange",
		"-exists",
		"-eval",
		"-evalsha",
		"-scan",
		"-zrem",
		"-zscore",
		"-zcount",
		"-zrevrangebylex",
		"-zrangebyscore",
		"-zrevrangebyscore",
		"-zremrangebyscore",
	};
	struct fixture *r = fixture_open();
	struct store_conn *conn;
	char line[160];

	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		(void)snprintf(line, sizeof(line),
			       "ACL SETUSER u reset on >p ~fcgiauth:* +@all %s",
			       without[i]);
		test_redis_do(&r->server, "ACL SETUSER u reset on >p"
					  " ~fcgiauth:* +@all");
		conn = fixture_conn(r, "fcgiauth:", "u", "p");
		OK(r, store_ping(conn, &r->err));
		test_redis_do(&r->server, line);
		test_redis_do(&r->server, "SCRIPT FLUSH");
		ck_assert_msg(store_ping(conn, &r->err) == -1, "%s",
			      without[i]);
		fixture_conn_end(conn);
	}
	/* The first ping, for which the server knows no script, leaves
	 * nothing. */
	(void)fixture_redis(r, "FLUSHALL");
	(void)fixture_redis(r, "SCRIPT FLUSH");
	OK(r, store_ping(r->conn, &r->err));
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* A server that may evict keys is usable, but causes advice. */
START_TEST(policies_that_forget)
{
	static const struct {
		const char *policy, *limit;
		bool advice;
	} rows[] = {
		{ "noeviction", "100mb", false },
		{ "noeviction", "0", false },
		{ "allkeys-lru", "0", false }, /* without maxmemory */
		{ "allkeys-lru", "100mb", true },
		{ "allkeys-random", "100mb", true },
		{ "volatile-ttl", "100mb", true },
		{ "volatile-lfu", "100mb", true },
	};
	struct fixture *r = fixture_open();
	char advice[BACKEND_ADVICE_MAX];
	struct store_conn *conn;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)fixture_redis(r, "CONFIG SET maxmemory-policy %s",
				    rows[i].policy);
		(void)fixture_redis(r, "CONFIG SET maxmemory %s",
				    rows[i].limit);
		memset(advice, 'x', sizeof(advice));
		conn_advise(&r->conn->base, advice);
		ck_assert_msg(memchr(advice, '\0', sizeof(advice)) != NULL &&
				  (advice[0] != '\0') == rows[i].advice,
			      "row %zu: %s", i, advice);
		if (rows[i].advice)
			ck_assert_msg(strstr(advice, rows[i].policy) != NULL &&
					  strstr(advice, "noeviction") != NULL,
				      "row %zu: %s", i, advice);
		OK(r, store_ping(r->conn, &r->err));
	}
	/* Without the right to INFO there is no advice. CONFIG is not
	 * needed. */
	test_redis_do(&r->server,
		      "ACL SETUSER u reset on >p ~fcgiauth:* +@all -config");
	conn = fixture_conn(r, "fcgiauth:", "u", "p");
	conn_advise(&conn->base, advice);
	HOLDS(r, advice[0] != '\0');
	test_redis_do(&r->server, "ACL SETUSER u -info");
	conn_advise(&conn->base, advice);
	HOLDS(r, advice[0] == '\0');
	fixture_conn_end(conn);
	test_redis_stop(&r->server, SIGKILL);
	memset(advice, 'x', sizeof(advice));
	conn_advise(&r->conn->base, advice);
	HOLDS(r, advice[0] == '\0');
	fixture_close(r);
}
END_TEST

START_TEST(prefixes_stay_apart)
{
	static const char *const prefixes[] = { "a:", "a:s:", "*", "fcgiauth" };
	struct fixture *r = fixture_open();
	struct session mine = fixture_create(r, "alice", r->now);

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct store_conn *conn =
		    fixture_conn(r, prefixes[i], NULL, NULL);
		struct session s = fixture_session(r, "alice", r->now);
		struct session_answer got;
		uint8_t one[32] = { 1 }, two[32] = { 2 };
		struct attempt attempt;
		int64_t until, n;

		OK(r, store_find(conn, NOW(r), &mine.id, &mine.token, &got,
				 &r->err));
		HOLDS(r, !got.found);
		OK(r, store_create(conn, NOW(r), &s, 1, &n, &r->err));
		SAME(r, n, 0);
		OK(r, store_secret(r->conn, NOW(r), "csrf", one, &r->err));
		OK(r, store_secret(conn, NOW(r), "csrf", two, &r->err));
		HOLDS(r, one[0] == 1 && two[0] == 2);
		for (int k = 0; k < 2; k++)
			OK(r, store_attempt(conn, NOW(r), STR("user:a"),
					    &policy, &attempt, &r->err));
		HOLDS(r, attempt.banned_until_ms > 0);
		OK(r, ask_ban(r->conn, NOW(r), STR("user:a"), policy.ban_ms,
			      &until, &r->err));
		SAME(r, until, 0);
		SAME(r, fixture_live(r, "alice", r->now), 1);
		OK(r, store_revoke_all(conn, NOW(r), &n, &r->err));
		SAME(r, n, 1);
		HOLDS(r, fixture_is_alive(r, &mine, r->now));
		fixture_conn_end(conn);
	}
	fixture_close(r);
}
END_TEST

START_TEST(names_of_users)
{
	static const char longest[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-@";
	static const char *const names[] = { "-",     "+",
					     "._@+-", "0",
					     longest, "o.brien+x@example.com" };
	struct fixture *r = fixture_open();
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)fixture_create(r, names[i], r->now);
		(void)fixture_create(r, names[i], r->now + 1);
	}
	SAME(r, fixture_live(r, NULL, r->now), 2 * (int64_t)ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		SAME(r, fixture_live(r, names[i], r->now), 2);
		if (i % 2 == 0)
			continue;
		OK(r, store_revoke_user(r->conn, NOW(r), str_from(names[i]),
					NULL, &n, &r->err));
		SAME(r, n, 2);
	}
	/* The sweep finds the others by the names in their entries. */
	SAME(r, fixture_sweep(r, r->now + 99999), (int64_t)ARRAY_LEN(names));
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* The expiry in Redis frees what is not swept, but never ends a session. */
START_TEST(all_that_ends_is_freed)
{
	static const struct attempt_policy longer = { .max = 1,
						      .window_ms = 100000,
						      .ban_ms = 200000 };
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct rotation use = fixture_rotation(r, &s);
	enum rotate_answer answer;
	long long left;
	struct attempt attempt;

	left = fixture_redis(r, "PTTL %s", fixture_key(&s).text);
	HOLDS(r, left > 36000 && left <= 96000);
	OK(r, fixture_rotate(r, &s, &use, r->now + 1000, &answer));
	OK(r, store_update_user(r->conn, NOW(r), &s.who, &r->err));
	left = fixture_redis(r, "PTTL %s", fixture_key(&s).text);
	HOLDS(r, left > 35000 && left <= 96000);
	/* The expiry exceeds the margin that is added to each. */
	for (int i = 0; i < 2; i++) {
		OK(r, store_attempt(r->conn, NOW(r), STR("k"), &longer,
				    &attempt, &r->err));
		left = fixture_redis(r, "PTTL fcgiauth:a:k");
		HOLDS(r, left > 200000 && left <= 260000);
	}
	/* A denial has no expiry, because deny() does not use the clock. */
	OK(r, store_deny(r->conn, NOW(r),
			 DENIAL(STR("k"), INT64_MAX, r->now + 5), &r->err));
	SAME(r, fixture_redis(r, "PTTL fcgiauth:d:k"), -1);
	SAME(r, fixture_sweep(r, r->now + 299999), 3);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

static TCase *
redis_cases(void)
{
	TCase *t = new_case("redis");

	tcase_add_test(t, scripts_are_forgotten);
	tcase_add_test(t, no_memory_left);
	tcase_add_test(t, a_replica_is_not_usable);
	tcase_add_test(t, rights_that_are_needed);
	tcase_add_test(t, ping_needs_what_a_login_needs);
	tcase_add_test(t, policies_that_forget);
	tcase_add_test(t, prefixes_stay_apart);
	tcase_add_test(t, names_of_users);
	tcase_add_test(t, all_that_ends_is_freed);
	return t;
}

int
main(void)
{
	if (!test_redis_here())
		return skip_all("redis-server is not installed");
	return RUN_CASES(redis_cases(), redis_damage_cases(),
			 redis_index_cases(), redis_cut_cases(),
			 redis_shard_cases(), redis_half_cases(),
			 redis_failover_cases(), redis_feed_cases(),
			 redis_seen_cases(), redis_earlier_cases());
}
