/* SPDX-License-Identifier: MIT */
/* auth/metrics, auth/metrics_page and base/histogram: what is counted, and who
 * may read it. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

#include "auth/metrics.h"

#define CHECKS "fcgiauth_checks_total{mode=\"session\",verdict="

static void
begin(void)
{
	flow_init(&f, "[store]\ndriver = memory\n"
		      "[limits]\nlogin_attempts = 2\n"
		      "[metrics]\nenabled = yes\n"
		      "network = 192.0.2.0/24 2001:db8::/32\n");
}

static struct flow_answer
ask(const char *extra)
{
	return flow_get(&f, "/auth/metrics", "AUTH_METRICS=yes", extra);
}

/* Returns whether the metrics have this line. */
static bool
has_line(const char *line)
{
	struct flow_answer a = ask(NULL);

	ck_assert_uint_eq(a.status, 200);
	return flow_holds(a.body, flow_text(&f, "\n%s\n", line));
}

START_TEST(durations_are_in_buckets)
{
	struct histogram h = { .sum_ms = 0 };
	struct histogram_counts n;

	histogram_add(&h, -1);
	histogram_add(&h, 0);
	histogram_add(&h, 1);
	histogram_add(&h, 2);
	histogram_add(&h, 2500);
	histogram_add(&h, 2501);
	histogram_read(&h, &n);
	ck_assert_uint_eq(n.up_to[0], 3);
	ck_assert_uint_eq(n.up_to[1], 4);
	ck_assert_uint_eq(n.up_to[2], 4);
	ck_assert_uint_eq(n.up_to[HISTOGRAM_BOUNDS - 1], 5);
	ck_assert_uint_eq(n.up_to[HISTOGRAM_BOUNDS], 6);
	ck_assert_uint_eq(n.sum_ms, 0 + 0 + 1 + 2 + 2500 + 2501);
}
END_TEST

/* Whatever address stands for a thread, its counts are in the sum. */
START_TEST(threads_are_summed_up)
{
	struct metrics *m = metrics_new(5);
	uint64_t n[METRIC_COUNT];

	ck_assert_ptr_nonnull(m);
	for (size_t i = 0; i < 1000; i++)
		metrics_add(m, (const char *)&f + i, METRIC_BAN, i % 2);
	metrics_add_event(m, m, "sessions_revoked", 7);
	metrics_add_event(m, m, "unheard_of", 7);
	metrics_read(m, n);
	ck_assert_uint_eq(n[METRIC_BAN], 500);
	ck_assert_uint_eq(n[METRIC_ENDED_REVOKED], 7);
	ck_assert_uint_eq(n[METRIC_LOGIN_SUCCESS], 0);
	ck_assert_int_eq(m->started_ms, 5);
	metrics_add(NULL, m, METRIC_BAN, 1);
	metrics_free(m);
	metrics_free(NULL);
}
END_TEST

/* The counts of the last five minutes, whenever somebody asks. */
START_TEST(recent_counts_leave_out_older_ones)
{
	struct metrics *m = metrics_new(0);
	uint64_t n[METRIC_COUNT];

	ck_assert_ptr_nonnull(m);
	for (int64_t ms = 0; ms <= 3 * METRIC_RECENT_MS; ms += 500) {
		const int64_t whole = METRIC_RECENT_MS / 500;

		metrics_sample(m, ms);
		metrics_add(m, m, METRIC_BAN, 1);
		metrics_read_recent(m, ms, n);
		if (ms < METRIC_RECENT_MS)
			ck_assert_uint_eq(n[METRIC_BAN], ms / 500 + 1);
		ck_assert_uint_le(n[METRIC_BAN],
				  whole + METRIC_SAMPLE_MS / 500 + 1);
		if (ms >= METRIC_RECENT_MS)
			ck_assert_uint_ge(n[METRIC_BAN], whole);
	}
	/* A janitor that waited for a store took no samples. */
	metrics_read_recent(m, 5 * METRIC_RECENT_MS, n);
	ck_assert_uint_eq(n[METRIC_BAN], 1);
	metrics_free(m);
}
END_TEST

START_TEST(checks_and_logins_are_counted)
{
	const char *alice = flow_login(&f, "alice");

	for (int i = 0; i < 3; i++)
		(void)flow_sign_in(&f, "bob", "x", NULL);
	ck_assert_uint_eq(flow_verify(&f, "/x", alice, NULL).status, 204);
	ck_assert_uint_eq(flow_verify(&f, "/x", NULL, NULL).status, 401);
	ck_assert_uint_eq(
	    flow_verify(&f, "/x", alice, "AUTH_REQUIRE=role:no").status, 403);
	store_faulty_fail(&f.faulty, 1, true);
	ck_assert_uint_eq(flow_verify(&f, "/x", alice, NULL).status, 503);
	ck_assert(has_line(CHECKS "\"allowed\"} 1"));
	ck_assert(has_line(CHECKS "\"401\"} 1"));
	ck_assert(has_line(CHECKS "\"403\"} 1"));
	ck_assert(has_line(CHECKS "\"503\"} 1"));
	ck_assert(has_line("fcgiauth_logins_total{outcome=\"success\"} 1"));
	ck_assert(has_line("fcgiauth_logins_total{outcome=\"failure\"} 2"));
	ck_assert(has_line("fcgiauth_logins_total{outcome=\"banned\"} 1"));
	ck_assert(has_line("fcgiauth_bans_total 1"));
	ck_assert(has_line("fcgiauth_sessions_started_total 1"));
	ck_assert(has_line("fcgiauth_backend_up{section=\"store\"} 0"));
	ck_assert(has_line("fcgiauth_backend_up{section=\"users\"} 1"));
	ck_assert(has_line("fcgiauth_start_time_seconds 1767225600.000"));
}
END_TEST

static const struct {
	const char *extra;
	unsigned status;
} readers[] = {
	{ NULL, 200 },
	{ "REMOTE_ADDR=2001:db8::7", 200 },
	{ "REMOTE_ADDR=127.0.0.1", 404 },
	{ "REMOTE_ADDR=::1", 404 },
	{ "REMOTE_ADDR=unix:", 404 },
	{ "AUTH_METRICS=yes", 404 }, /* twice */
	{ "HTTP_HOST=other.example.com", 200 },
};

START_TEST(network_is_checked)
{
	ck_assert_uint_eq(ask(readers[_i].extra).status, readers[_i].status);
}
END_TEST

static const char *const others[] = { NULL, "AUTH_METRICS=no",
				      "AUTH_METRICS=", "AUTH_METRICS=YES" };

START_TEST(web_server_must_show_them)
{
	ck_assert_uint_eq(
	    flow_get(&f, "/auth/metrics", others[_i], NULL).status, 404);
}
END_TEST

START_TEST(metrics_are_disabled_by_default)
{
	teardown();
	flow_init(&f, "[store]\ndriver = memory\n");
	ck_assert_uint_eq(ask("REMOTE_ADDR=127.0.0.1").status, 404);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("metrics");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, durations_are_in_buckets);
	tcase_add_test(t, threads_are_summed_up);
	tcase_add_test(t, recent_counts_leave_out_older_ones);
	tcase_add_test(t, checks_and_logins_are_counted);
	tcase_add_loop_test(t, network_is_checked, 0, ARRAY_LEN(readers));
	tcase_add_loop_test(t, web_server_must_show_them, 0, ARRAY_LEN(others));
	tcase_add_test(t, metrics_are_disabled_by_default);
	return run_case(t);
}
