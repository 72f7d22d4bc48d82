/* SPDX-License-Identifier: MIT */
/*
 * Checks that are answered from memory: they need no call of the store, they
 * answer what a check without memory answers, and whatever ends or changes a
 * session is seen by the next check.
 */
#include "tests/unit/auth/cached_fixture.h"

START_TEST(second_check_asks_nothing)
{
	const char *token;
	struct flow_answer first, second;

	use_cache(kinds[_i].name, kinds[_i].more);
	token = credential("alice");
	first = flow_verify(&f, "/", token, NULL);
	first.raw = str_from(flow_text(&f, "%.*s", STR_ARG(first.raw)));
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(calls_of_check(token, 204), 0);
		second = flow_verify(&f, "/", token, NULL);
		ck_assert(str_eq(first.raw, second.raw));
	}
	/* Every other one is asked for. */
	ck_assert_uint_ge(calls_of_check(credential("alice"), 204), 1);
	for (int i = 0; i < 3; i++)
		(void)calls_of_check(flow_text(&f, "%sx", token), 401);
}
END_TEST

/* Each of them ends the sessions of alice, or the one of the credential. */
static void
by_sign_out(const char *token)
{
	ck_assert_uint_eq(flow_post(&f, "/auth/logout", JSON, "", token).status,
			  204);
}

static struct session_id
only_session(void)
{
	struct session_list list = flow_sessions(&f, "alice");

	ck_assert_uint_eq(list.n, 1);
	return list.v[0].id;
}

static void
by_revoke(const char *token)
{
	const struct session_id id = only_session();
	struct err err;
	bool ended;

	(void)token;
	ck_assert_int_eq(store_revoke(f.conns.store, flow_call(&f, 0), &id,
				      &ended, &err),
			 0);
	ck_assert(ended);
}

static void
by_revoke_user(const char *token)
{
	struct err err;
	int64_t ended;

	(void)token;
	ck_assert_int_eq(store_revoke_user(f.conns.store, flow_call(&f, 0),
					   STR("alice"), NULL, &ended, &err),
			 0);
	ck_assert_int_eq(ended, 1);
}

static void
by_revoke_all(const char *token)
{
	struct err err;
	int64_t ended;

	(void)token;
	ck_assert_int_eq(store_revoke_all(f.conns.store, flow_call(&f, 0),
					  &ended, &err),
			 0);
	ck_assert_int_ge(ended, 1);
}

/* The recheck finds that the user is disabled, at the latest in a minute. */
static void
by_recheck(const char *token)
{
	unsigned status = 204;

	f.users_table.v[0].disabled = true;
	for (int i = 0; i <= 60 && status == 204; i++) {
		status = flow_verify(&f, "/", token, NULL).status;
		fake_env_advance(&f.fake, 1);
	}
	ck_assert_uint_eq(status, 401);
}

static void
by_password(const char *token)
{
	struct user *alice = &f.users_table.v[0];

	alice->hash = str_from("$6$rounds=1000$other$aaaaaaaaaaaaaaaaaaaaaaaa"
			       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			       "aaaaaaaaaaaaaaaaaa");
	for (int i = 0; i <= 60; i++) {
		if (flow_verify(&f, "/", token, NULL).status == 401)
			return;
		fake_env_advance(&f.fake, 1);
	}
	ck_abort_msg("the new password is not seen within a minute");
}

static const struct {
	const char *name;
	void (*end)(const char *token);
	bool modes[3]; /* of kinds[] */
} ends[] = {
	{ "sign-out", by_sign_out, { true, true, true } },
	{ "revoke", by_revoke, { true, true, false } },
	{ "revoke user", by_revoke_user, { true, true, false } },
	{ "revoke all", by_revoke_all, { true, true, false } },
	{ "recheck", by_recheck, { true, false, false } },
	{ "password", by_password, { true, false, false } },
};

START_TEST(ended_session_is_refused_at_once)
{
	const int end = _i / KINDS, kind = _i % KINDS;
	const char *token, *other;

	if (!ends[end].modes[kind])
		return;
	use_cache(kinds[kind].name, kinds[kind].more);
	other = known_credential("bob");
	token = known_credential("alice");
	ends[end].end(token);
	for (int i = 0; i < 3; i++)
		(void)calls_of_check(token, 401);
	if (ends[end].end != by_revoke_all)
		ck_assert_uint_eq(flow_verify(&f, "/", other, NULL).status,
				  204);
}
END_TEST

/* A denial of all tokens of a user up to now. */
START_TEST(denied_tokens_are_refused_at_once)
{
	const struct denial all = { .key = STR("user:alice"),
				    .issued_ms = 1000 * FAKE_NOW + 1000,
				    .until_ms = 1000 * FAKE_NOW + 3600000 };
	const char *token;
	struct err err;

	use_cache("jwt", "revocation = store\n");
	token = known_credential("alice");
	ck_assert_int_eq(store_deny(f.conns.store,
				    flow_call(&f, 1000 * FAKE_NOW), &all, &err),
			 0);
	(void)calls_of_check(token, 401);
}
END_TEST

START_TEST(new_roles_are_seen_at_once)
{
	const struct identity who = { .name = STR("alice"),
				      .roles = STR("guest") };
	struct flow_answer a;
	const char *token;
	struct err err;

	use_cache(kinds[_i].name, kinds[_i].more);
	token = known_credential("alice");
	ck_assert_int_eq(store_update_user(f.conns.store, flow_call(&f, 0),
					   &who, &err),
			 0);
	a = flow_verify(&f, "/", token, NULL);
	ck_assert(str_eq(flow_header(&a, "Remote-Groups"), STR("guest")));
}
END_TEST

/* The times of a session are those of the store, which a check reads at least
 * once a minute. */
START_TEST(session_is_read_once_per_interval)
{
	const char *token;
	unsigned reads = 0;

	use_cache("session", "[users]\nrecheck = 0\n");
	token = known_credential("alice");
	for (int i = 0; i < 600; i++) {
		fake_env_advance(&f.fake, 1);
		reads += calls_of_check(token, 204) > 0;
		flow_write_touches(&f);
	}
	ck_assert_uint_eq(reads, 10);
}
END_TEST

START_TEST(user_is_looked_up_once_per_interval)
{
	const char *token;

	use_cache("session", "[users]\nrecheck = 5s\n");
	token = known_credential("alice");
	f.users_table.finds = 0;
	for (int i = 0; i < 60; i++) {
		fake_env_advance(&f.fake, 1);
		(void)calls_of_check(token, 204);
		flow_write_touches(&f);
	}
	ck_assert_uint_eq(f.users_table.finds, 12);
}
END_TEST

static const struct {
	const char *name, *more;
	int seconds; /* the credential is valid for this time */
} lives[] = {
	{ "session", "[session]\nidle_timeout = 30s\n[users]\nrecheck = 0\n",
	  30 },
	{ "session", "[session]\nabsolute_timeout = 30s\n", 30 },
	{ "jwt", "revocation = store\nttl = 30s\nleeway = 0\n", 30 },
	{ "jwt", "ttl = 30s\nleeway = 0\n", 30 },
	{ "refresh", "revocation = store\nttl = 30s\nleeway = 0\n", 30 },
	{ "refresh", "ttl = 30s\nleeway = 0\n", 30 },
};

START_TEST(expired_credential_is_refused)
{
	const char *token;

	use_cache(lives[_i].name, lives[_i].more);
	token = credential("alice");
	(void)calls_of_check(token, 204);
	/* Checks from memory do not keep a session alive by themselves. */
	fake_env_advance_ms(&f.fake, lives[_i].seconds * 1000 - 1);
	(void)calls_of_check(token, 204);
	use_cache(lives[_i].name, lives[_i].more);
	token = credential("alice");
	(void)calls_of_check(token, 204);
	fake_env_advance_ms(&f.fake, lives[_i].seconds * 1000);
	(void)calls_of_check(token, 401);
}
END_TEST

/* A session that is in use does not end by its idle timeout. */
START_TEST(session_in_use_stays)
{
	const char *token;

	use_cache("session", "[session]\nidle_timeout = 30s\n");
	token = known_credential("alice");
	for (int i = 0; i < 100; i++) {
		fake_env_advance(&f.fake, 1);
		(void)calls_of_check(token, 204);
		if (i % 2 == 0)
			flow_write_touches(&f);
	}
	fake_env_advance(&f.fake, 30);
	(void)calls_of_check(token, 401);
}
END_TEST

/* Entries of another configuration do not count. */
START_TEST(reload_asks_the_store_again)
{
	const char *token;

	use_cache(kinds[_i].name, kinds[_i].more);
	token = known_credential("alice");
	f.service->generation++;
	ck_assert_uint_ge(calls_of_check(token, 204), 1);
	ck_assert_uint_ge(calls_of_check(token, 204), 1); /* no trust yet */
	set_trust(CACHE_LOCAL, 0);
	ck_assert_uint_ge(calls_of_check(token, 204), 1);
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
}
END_TEST

START_TEST(lost_feed_asks_the_store)
{
	const char *token;
	int64_t now_ms;

	use_cache(kinds[_i].name, kinds[_i].more);
	token = credential("alice");
	now_ms = env_mono_ms(&f.fake.env);
	set_trust(CACHE_FEED, now_ms + 1000);
	ck_assert_uint_ge(calls_of_check(token, 204), 1);
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
	fake_env_advance_ms(&f.fake, 999);
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
	fake_env_advance_ms(&f.fake, 1);
	ck_assert_uint_ge(calls_of_check(token, 204), 1);
	set_trust(CACHE_FEED, now_ms + 2000);
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
	set_trust(CACHE_DOUBT, 0);
	ck_assert_uint_ge(calls_of_check(token, 204), 1);
	set_trust(CACHE_FEED, now_ms + 2000);
	ck_assert_uint_ge(calls_of_check(token, 204), 1);
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
}
END_TEST

/* While the store is away, what is known passes, and the rest is 503. */
START_TEST(hits_are_answered_while_the_store_is_away)
{
	const char *token, *other;

	use_cache(kinds[_i].name, kinds[_i].more);
	token = known_credential("alice");
	other = credential("bob");
	store_faulty_fail(&f.faulty, 1, true);
	ck_assert_uint_eq(flow_verify(&f, "/", token, NULL).status, 204);
	ck_assert_uint_eq(flow_verify(&f, "/", other, NULL).status, 503);
	ck_assert_uint_eq(flow_verify(&f, "/", token, NULL).status, 204);
}
END_TEST

/* An end that could not be confirmed may have happened: nothing is believed. */
START_TEST(failed_end_is_a_change)
{
	struct session_id id;
	const char *token;
	struct err err;
	bool ended;

	use_cache("session", "");
	token = known_credential("alice");
	id = only_session();
	store_faulty_fail(&f.faulty, 1, true);
	ck_assert_int_eq(store_revoke(f.conns.store, flow_call(&f, 0), &id,
				      &ended, &err),
			 -1);
	ck_assert_uint_eq(flow_verify(&f, "/", token, NULL).status, 503);
}
END_TEST

static uint64_t
hits(void)
{
	struct cache_counts n;

	cache_count(f.shared.cache, env_mono_ms(&f.fake.env), &n);
	return n.hits;
}

/* Tokens that need no store are answered from memory without any feed, but not
 * under another configuration. */
START_TEST(stateless_tokens_ask_nothing)
{
	const char *mode = _i == 0 ? "jwt" : "refresh";
	const char *token;

	use_cache(mode, "revocation = none\n");
	set_trust(CACHE_DOUBT, 0);
	token = credential("alice");
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(calls_of_check(token, 204), 0);
		ck_assert_uint_eq(hits(), i);
	}
	f.service->generation++;
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
	ck_assert_uint_eq(hits(), 2);
	by_sign_out(token); /* it stays valid */
	ck_assert_uint_eq(calls_of_check(token, 204), 0);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("cached checks");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, second_check_asks_nothing, 0, KINDS);
	tcase_add_loop_test(t, ended_session_is_refused_at_once, 0,
			    KINDS * (int)ARRAY_LEN(ends));
	tcase_add_test(t, denied_tokens_are_refused_at_once);
	/* The roles of mode jwt are in the token. */
	tcase_add_loop_test(t, new_roles_are_seen_at_once, 0, KINDS - 1);
	tcase_add_test(t, session_is_read_once_per_interval);
	tcase_add_test(t, user_is_looked_up_once_per_interval);
	tcase_add_loop_test(t, expired_credential_is_refused, 0,
			    ARRAY_LEN(lives));
	tcase_add_test(t, session_in_use_stays);
	tcase_add_loop_test(t, reload_asks_the_store_again, 0, KINDS);
	tcase_add_loop_test(t, lost_feed_asks_the_store, 0, KINDS);
	tcase_add_loop_test(t, hits_are_answered_while_the_store_is_away, 0,
			    KINDS);
	tcase_add_test(t, failed_end_is_a_change);
	tcase_add_loop_test(t, stateless_tokens_ask_nothing, 0, 2);
	return run_case(t);
}
