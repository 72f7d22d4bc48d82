/* SPDX-License-Identifier: MIT */
/* Regulation when operations fail or run concurrently, and its messages. */
#include "tests/unit/auth/regulation_fixture.h"
#include "tests/support/call.h"

#include "auth/throttle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "auth/hash_slots.h"

/* If the user source fails, nothing is counted and no cookie is changed. */
START_TEST(failed_user_source_counts_nothing)
{
	for (int i = 0; i < 3 * ADDRESS_MAX; i++) {
		struct flow_answer a;

		f.users_table.down = true;
		a = login("alice", "wrong", "192.0.2.1");
		f.users_table.down = false;
		ck_assert_uint_eq(a.status, 503);
		ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
		/* the next connection is made */
		fake_env_advance_ms(&f.fake, 1000);
	}
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	ck_assert_str_eq(reasons(), "");
}
END_TEST

/* If any call of the store fails, the answer is 503 or that of the sign-in,
 * no cookie is set without a session, and there are no more guesses than
 * allowed. */
START_TEST(failed_store_allows_no_more_guesses)
{

	for (unsigned at = 1; at < 30; at++) {
		struct flow_answer a;
		unsigned guesses = 0;

		flow_free(&f);
		flow_init(&f, ini);
		quick_hashes();
		store_faulty_fail(&f.faulty, at, false);
		for (int i = 0; i < 2 * USER_MAX; i++) {
			a = login("alice", "wrong", "192.0.2.1");
			ck_assert_msg(a.status == 401 || a.status == 429 ||
					  a.status == 503,
				      "call %u fails: the status is %u", at,
				      a.status);
			if (a.status == 503)
				ck_assert_ptr_null(
				    flow_header(&a, "Set-Cookie").p);
			guesses += a.status == 401;
			fake_env_advance_ms(&f.fake, 1000);
		}
		ck_assert_uint_le(guesses, USER_MAX);
		/* An attempt that got 503 may have been counted. */
		ck_assert_uint_ge(guesses, USER_MAX - 1);
		store_faulty_fail(&f.faulty, 0, false);
		(void)wrong("alice", "192.0.2.2");
		/* The user is banned, or has no attempt left until the window
		 * ends. */
		ck_assert_uint_ne(right("alice", "192.0.2.2"), 200);
	}
}
END_TEST

#define WINDOW_S 120

/* Counts n attempts that do not end. */
static struct attempt
count_of_alice(int n)
{
	const struct attempt_policy policy = { .max = INT64_MAX,
					       .window_ms = WINDOW_S * 1000,
					       .ban_ms = BAN_S * 1000 };
	struct attempt a = { .ends_ms = 0 };
	struct err err;

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(store_attempt(f.conns.store,
					       CALL_AT(NULL, f.fake.wall_ms),
					       STR("user:alice"), &policy, &a,
					       &err),
				 0);
	return a;
}

/* All attempts are in progress, here or at another instance. A further sign-in
 * gets 503 and no ban. */
START_TEST(attempt_in_progress_is_no_failure)
{
	struct attempt a = count_of_alice(USER_MAX);
	struct flow_answer busy;
	struct err err;

	for (int i = 0; i < 5; i++) {
		busy = login("alice", FLOW_PASSWORD, "192.0.2.1");
		ck_assert_uint_eq(busy.status, 503);
		ck_assert(flow_holds(busy.body, "busy"));
		ck_assert(str_eq(flow_header(&busy, "Retry-After"), STR("2")));
	}
	ck_assert_str_eq(reasons(), "");
	ck_assert_uint_eq(right("bob", "192.0.2.1"), 200);
	ck_assert_int_eq(store_give_back(f.conns.store, CALL_AT(NULL, 0),
					 STR("user:alice"), a.ends_ms, &err),
			 0);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
}
END_TEST

/* The attempts of a process that was killed count until their window ends. */
START_TEST(attempts_of_a_killed_process_expire)
{
	/* While an attempt is left, a success resets the counter. */
	(void)count_of_alice(USER_MAX - 1);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	for (int i = 1; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "192.0.2.2"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.2"), 200);
	(void)count_of_alice(USER_MAX);
	fake_env_advance(&f.fake, WINDOW_S - 1);
	ck_assert_uint_eq(right("alice", "192.0.2.3"), 503);
	ck_assert_uint_eq(wrong("alice", "192.0.2.3"), 503);
	ck_assert_str_eq(reasons(), "");
	fake_env_advance(&f.fake, 1);
	ck_assert_uint_eq(right("alice", "192.0.2.3"), 200);
}
END_TEST

/* Of many concurrent guesses no more are evaluated than allowed. */
#define THREADS 24

struct burst {
	pthread_barrier_t begin;
	atomic_int status[600];
};

static void *
guess(void *arg)
{
	struct burst *b = arg;
	struct service_conns conns = {
		.store = store_conn_new(&f.fake.env),
		.users = users_conn_new(&f.fake.env),
	};
	const struct param params[] = {
		{ STR("REQUEST_METHOD"), STR("POST") },
		{ STR("REQUEST_URI"), STR("/auth/login") },
		{ STR("HTTP_HOST"), STR("www.example.com") },
		{ STR("REMOTE_ADDR"), STR("192.0.2.1") },
		{ STR("HTTPS"), STR("on") },
		{ STR("CONTENT_TYPE"), STR("application/json") },
	};
	const struct message in = {
		.params = params,
		.nparams = ARRAY_LEN(params),
		.body = STR("{\"username\":\"alice\",\"password\":\"x\"}"),
	};
	struct arena *a = arena_new((size_t)8 << 20);
	struct buf out;
	int64_t status = 0;

	store_conn_bind(conns.store, f.store);
	users_conn_bind(conns.users, f.users);
	(void)pthread_barrier_wait(&b->begin);
	buf_init(&out, a, 128 * 1024);
	(void)service_answer(f.service, &conns, a, &in, &out);
	(void)str_to_uint((struct str){ .p = buf_str(&out).p + 8, .n = 3 }, 599,
			  &status);
	atomic_fetch_add(&b->status[status], 1);
	arena_free(a);
	store_conn_free(conns.store);
	users_conn_free(conns.users);
	return NULL;
}

START_TEST(concurrent_guesses_are_limited)
{
	pthread_t threads[THREADS];
	static struct burst b;

	hash_slots_free(f.shared.hash_slots);
	f.shared.hash_slots = hash_slots_new(THREADS, THREADS, 2000, 1);
	ck_assert_int_eq(pthread_barrier_init(&b.begin, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, guess, &b),
				 0);
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	ck_assert_int_eq(b.status[401], USER_MAX);
	ck_assert_int_eq(b.status[429] + b.status[503], THREADS - USER_MAX);
	(void)pthread_barrier_destroy(&b.begin);
}
END_TEST

static size_t
count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

/* Each ban is one line. What it refuses is one line per second, with the number
 * of suppressed lines. */
START_TEST(lines_of_bans_are_limited)
{
	const char *text;

	flow_log(&f, LOG_INFO);
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "192.0.2.1"), 401);
	for (int i = 0; i < 500; i++)
		ck_assert_uint_eq(wrong("alice", "192.0.2.1"), 429);
	fake_env_advance_ms(&f.fake, 1000);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(wrong("alice", "192.0.2.1"), 429);
	text = flow_logged(&f);
	ck_assert_uint_eq(count(text, "audit ban "), 1);
	ck_assert_uint_eq(count(text, "why=wrong_password"), USER_MAX);
	ck_assert_uint_eq(count(text, "why=banned"), 2);
	ck_assert_uint_eq(count(text, "why=banned suppressed=499"), 1);
}
END_TEST

/* The page names the time in suitable units. */
START_TEST(page_names_the_time)
{
	static const struct {
		const char *ban, *text, *after;
	} rows[] = {
		{ "1s", "in 1 second.", "1" },
		{ "59s", "in 59 seconds.", "59" },
		{ "60s", "in 1 minute.", "60" },
		{ "61s", "in 61 seconds.", "61" },
		{ "121s", "in 3 minutes.", "121" },
		{ "1h", "in 1 hour.", "3600" },
		{ "3601s", "in 61 minutes.", "3601" },
		{ "2h", "in 2 hours.", "7200" },
		{ "1d", "in 1 day.", "86400" },
		{ "30d", "in 30 days.", "2592000" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a;
		char text[sizeof(ini) + 64];

		(void)snprintf(text, sizeof(text), "%slogin_ban = %s\n", ini,
			       rows[i].ban);
		flow_free(&f);
		flow_init(&f, text);
		quick_hashes();
		for (int k = 0; k < USER_MAX; k++)
			ck_assert_uint_eq(wrong("alice", "192.0.2.1"), 401);
		a = login("alice", "wrong", "192.0.2.1");
		ck_assert_msg(a.status == 429 &&
				  flow_holds(a.body, rows[i].text) &&
				  str_eq(flow_header(&a, "Retry-After"),
					 str_from(rows[i].after)),
			      "%s: wrong answer %.*s", rows[i].ban,
			      STR_ARG(a.raw));
	}
}
END_TEST

START_TEST(keys_of_bans_are_parsed)
{
	static const struct {
		const char *key, *reason, *value;
	} rows[] = {
		{ "user:bob", "user", "bob" },
		{ "known:bob:00ff", "known_network", "bob" },
		{ "known:bob", "known_network", "bob" },
		{ "addr:2001:db8::", "address", "2001:db8::" },
		{ "net:2001:db8::", "network", "2001:db8::" },
		{ "users:bob", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum ban_kind kind;
		struct str value;
		bool is = ban_key_read(str_from(rows[i].key), &kind, &value);

		ck_assert_msg(is == (rows[i].reason != NULL),
			      "wrong answer to %s", rows[i].key);
		if (!is)
			continue;
		ck_assert_str_eq(ban_kind_names[kind].reason, rows[i].reason);
		ck_assert(str_eq(value, str_from(rows[i].value)));
	}
}
END_TEST

static struct known_network
network_of(const char *user, const char *from)
{
	const char *const params[] = { flow_text(&f, "REMOTE_ADDR=%s", from),
				       NULL };
	struct known_network network = { .until_ms = 0 };
	struct flow_exchange x;
	struct throttle t;
	struct err err;

	flow_exchange(&f, params, &x);
	ck_assert_int_eq(throttle_begin(&x.e, str_from(user), &t, &err), 0);
	ck_assert(t.has_network);
	memcpy(network.b, t.keys.network, sizeof(network.b));
	return network;
}

/* The store gets another value for each user and network. */
START_TEST(networks_have_different_keys)
{
	static const struct {
		const char *user, *from;
	} others[] = { { "bob", "192.0.2.1" },
		       { "alice", "192.0.2.2" },
		       { "alice", "2001:db8::1" },
		       { "1alice", "192.0.2.1" },
		       { "alice", "192.0.2.11" } };
	struct known_network v[ARRAY_LEN(others)];

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		v[i] = network_of(others[i].user, others[i].from);
		for (size_t k = 0; k < i; k++)
			ck_assert_mem_ne(v[i].b, v[k].b, sizeof(v[i].b));
	}
	v[1] = network_of("bob", "192.0.2.1");
	ck_assert_mem_eq(v[0].b, v[1].b, sizeof(v[0].b));
	v[1] = network_of("bob", "::ffff:192.0.2.1");
	ck_assert_mem_eq(v[0].b, v[1].b, sizeof(v[0].b));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("limits");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, failed_user_source_counts_nothing);
	tcase_add_test(t, failed_store_allows_no_more_guesses);
	tcase_add_test(t, attempt_in_progress_is_no_failure);
	tcase_add_test(t, attempts_of_a_killed_process_expire);
	tcase_add_test(t, concurrent_guesses_are_limited);
	tcase_add_test(t, lines_of_bans_are_limited);
	tcase_add_test(t, page_names_the_time);
	tcase_add_test(t, keys_of_bans_are_parsed);
	tcase_add_test(t, networks_have_different_keys);
	return run_case(t);
}
