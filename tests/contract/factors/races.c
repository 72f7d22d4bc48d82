/* SPDX-License-Identifier: MIT */
/* Contract: operations of several threads at the same time. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/call.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 12 };

struct racer {
	struct fixture *r;
	pthread_barrier_t *start;
	int number;
	struct factors_conn *conn;
	struct arena *a;
	int fails;
	int wins; /* of all rounds */
};

/* Runs `fn` once in each thread, on a connection of its own; returns how often
 * all of them have won. */
static int
race(struct fixture *r, void *(*fn)(void *))
{
	struct racer v[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t start;
	int wins = 0;

	HOLDS(r, pthread_barrier_init(&start, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++) {
		v[i] = (struct racer){ .r = r,
				       .start = &start,
				       .number = i,
				       .conn = fixture_conn(r),
				       .a = arena_new(1 << 20) };
		HOLDS(r, v[i].a != NULL);
		HOLDS(r, pthread_create(&threads[i], NULL, fn, &v[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		HOLDS(r, pthread_join(threads[i], NULL) == 0);
		SAME(r, v[i].fails, 0);
		wins += v[i].wins;
		factors_conn_free(v[i].conn);
		arena_free(v[i].a);
	}
	HOLDS(r, pthread_barrier_destroy(&start) == 0);
	return wins;
}

static void *
take_each(void *arg)
{
	struct racer *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		const struct one_time s =
		    fixture_secret(w->r, ONE_TIME_RESET, (uint8_t)i);
		struct one_time_answer is = { .found = false };
		struct err err;

		(void)pthread_barrier_wait(w->start);
		if (factors_one_time_take(w->conn, CALL_AT(w->a, w->r->now),
					  &s.hash, s.kind, &is, &err) != 0)
			w->fails++;
		w->wins += is.found;
	}
	return NULL;
}

START_TEST(of_parallel_takes_one_wins)
{
	struct fixture *r = fixture_open();

	for (int i = 0; i < ROUNDS; i++) {
		const struct one_time s =
		    fixture_secret(r, ONE_TIME_RESET, (uint8_t)i);

		fixture_put(r, &s, false);
	}
	SAME(r, race(r, take_each), ROUNDS);
	fixture_close(r);
}
END_TEST

static void *
put_each(void *arg)
{
	struct racer *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		const struct one_time s =
		    fixture_secret(w->r, ONE_TIME_RESET,
				   (uint8_t)(i * THREADS + w->number));
		struct err err;

		(void)pthread_barrier_wait(w->start);
		if (factors_one_time_put(w->conn, CALL_AT(w->a, w->r->now), &s,
					 true, &err) != 0)
			w->fails++;
	}
	return NULL;
}

START_TEST(of_parallel_puts_one_remains)
{
	struct fixture *r = fixture_open();
	int64_t n = -1;

	(void)race(r, put_each); /* nobody wins */
	OK(r, factors_one_time_void(r->conn, NOW(r), STR("alice"),
				    ONE_TIME_RESET, &n, &r->err));
	SAME(r, n, 1);
	fixture_close(r);
}
END_TEST

static void *
claim_all(void *arg)
{
	struct racer *w = arg;
	struct mail_list list = { .n = 1 };
	struct err err;

	(void)pthread_barrier_wait(w->start);
	while (list.n > 0) {
		arena_reset(w->a);
		if (factors_mail_claim(w->conn, CALL_AT(w->a, w->r->now), 3,
				       HOUR_MS, &list, &err) != 0) {
			w->fails++;
			break;
		}
		w->wins += (int)list.n;
	}
	return NULL;
}

START_TEST(a_mail_is_claimed_by_one)
{
	struct fixture *r = fixture_open();

	for (int i = 0; i < 40; i++)
		fixture_add_mail(r, "reset", r->now);
	SAME(r, race(r, claim_all), 40);
	fixture_close(r);
}
END_TEST

/* Each thread sets its own field; none of them is lost. */
static void *
set_each(void *arg)
{
	struct racer *w = arg;
	struct account_change change = { .user = STR("alice"),
					 .must_change = true,
					 .verified_email = STR("a@b"),
					 .notify = NOTIFY_NO,
					 .fields = 1U << w->number % 3 };
	struct err err;

	(void)pthread_barrier_wait(w->start);
	if (factors_account_set(w->conn, CALL_AT(w->a, w->r->now), &change,
				&err) != 0)
		w->fails++;
	return NULL;
}

START_TEST(parallel_changes_are_all_kept)
{
	struct fixture *r = fixture_open();
	struct account is;

	(void)race(r, set_each); /* nobody wins */
	OK(r, factors_account(r->conn, NOW(r), STR("alice"), &is, &r->err));
	HOLDS(r, is.must_change && is.notify == NOTIFY_NO);
	HOLDS(r, str_eq(is.verified_email, STR("a@b")));
	fixture_close(r);
}
END_TEST

TCase *
factors_race_cases(void)
{
	TCase *t = new_case("races");

	tcase_add_test(t, of_parallel_takes_one_wins);
	tcase_add_test(t, of_parallel_puts_one_remains);
	tcase_add_test(t, a_mail_is_claimed_by_one);
	tcase_add_test(t, parallel_changes_are_all_kept);
	return t;
}
