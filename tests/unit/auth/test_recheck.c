/* SPDX-License-Identifier: MIT */
/* The user of a valid session is looked up again, once per `recheck`. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

#include "auth/last_seen.h"

#define MINUTE	     "[store]\ndriver = memory\n"
#define EVERY(text)  MINUTE "[users]\nrecheck = " text "\n"
#define WITH_IDLE(i) MINUTE "[session]\nidle_timeout = " i "\n"

static unsigned
check(const char *cookie)
{
	unsigned status = flow_verify(&f, "/", cookie, NULL).status;

	flow_write_touches(&f);
	return status;
}

/* The number of queries for users that one check per second makes. */
static unsigned
finds_in(const char *cookie, int seconds)
{
	f.users_table.finds = 0;
	for (int i = 0; i < seconds; i++) {
		fake_env_advance(&f.fake, 1);
		ck_assert_uint_eq(check(cookie), 204);
	}
	return f.users_table.finds;
}

static struct user *
user(const char *name)
{
	for (size_t i = 0; i < f.users_table.n; i++) {
		if (str_eq(f.users_table.v[i].who.name, str_from(name)))
			return &f.users_table.v[i];
	}
	ck_abort_msg("there is no user %s", name);
	return NULL;
}

START_TEST(recheck_makes_one_query_per_interval)
{
	const char *a, *b;
	unsigned n;

	flow_init(&f, MINUTE);
	a = flow_login(&f, "alice");
	b = flow_login(&f, "alice");
	n = finds_in(a, 600);
	ck_assert_msg(n == 10, "there are %u queries in 10 minutes", n);
	n = finds_in(b, 600); /* the first recheck is late */
	ck_assert_msg(n == 10 || n == 11, "there are %u queries in 10 minutes",
		      n);
	/* Many checks at once make one query, also before the touch is
	 * written. */
	fake_env_advance(&f.fake, 61);
	f.users_table.finds = 0;
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(flow_verify(&f, "/", a, NULL).status, 204);
	ck_assert_uint_eq(f.users_table.finds, 1);
	flow_write_touches(&f);
	ck_assert_uint_eq(flow_verify(&f, "/", a, NULL).status, 204);
	ck_assert_uint_eq(f.users_table.finds, 1);
}
END_TEST

static const struct {
	const char *ini;
	int seconds;
	unsigned finds;
} intervals[] = {
	{ EVERY("0"), 600, 0 },	       { EVERY("1s"), 60, 60 },
	{ EVERY("5s"), 60, 12 }, /* below the touch interval */
	{ EVERY("10m"), 3600, 6 }, /* above the touch interval */
	{ WITH_IDLE("10s"), 600, 10 }, { WITH_IDLE("12h"), 600, 10 },
};

START_TEST(queries_follow_the_interval)
{
	const char *cookie;
	unsigned n;

	flow_init(&f, intervals[_i].ini);
	cookie = flow_login(&f, "alice");
	n = finds_in(cookie, intervals[_i].seconds);
	ck_assert_msg(n == intervals[_i].finds, "row %d: there are %u queries",
		      _i, n);
}
END_TEST

/* A change is seen within the interval, whenever it happens and however often
 * is asked. */
START_TEST(change_is_seen_within_the_interval)
{
	for (int wait = 0; wait < 60; wait += 7) {
		const char *cookie;
		int seconds = 0;

		flow_init(&f, MINUTE);
		cookie = flow_login(&f, "alice");
		for (int i = 0; i < 120 + wait; i++) {
			fake_env_advance(&f.fake, 1);
			ck_assert_uint_eq(check(cookie), 204);
		}
		user("alice")->disabled = true;
		while (check(cookie) == 204) {
			fake_env_advance(&f.fake, 1);
			seconds++;
		}
		ck_assert_msg(
		    seconds <= 60,
		    "the change is seen after %d s, with a wait of %d s",
		    seconds, wait);
		if (wait + 7 < 60)
			flow_free(&f);
	}
}
END_TEST

START_TEST(disabled_user_loses_all_sessions)
{
	const char *a, *b, *other;
	struct flow_answer answer;

	flow_init(&f, MINUTE);
	a = flow_login(&f, "alice");
	b = flow_login(&f, "alice");
	other = flow_login(&f, "bob");
	user("alice")->disabled = true;
	ck_assert_uint_eq(check(a), 204); /* the recheck is not due */
	fake_env_advance(&f.fake, 60);
	answer = flow_verify(&f, "/", a, NULL);
	ck_assert_uint_eq(answer.status, 401);
	ck_assert_ptr_null(flow_header(&answer, "Set-Cookie").p);
	ck_assert_ptr_null(flow_header(&answer, "Remote-User").p);
	user("alice")->disabled = false;
	ck_assert_uint_eq(check(a), 401);
	ck_assert_uint_eq(check(b), 401);
	ck_assert_uint_eq(check(other), 204);
	ck_assert_uint_eq(check(flow_login(&f, "alice")), 204);
}
END_TEST

START_TEST(removed_user_loses_all_sessions)
{
	const char *a;

	flow_init(&f, MINUTE);
	a = flow_login(&f, "alice");
	user("alice")->who.name = STR("renamed");
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(check(a), 401);
	user("renamed")->who.name = STR("alice");
	ck_assert_uint_eq(check(a), 401); /* another user of that name */
}
END_TEST

START_TEST(changed_user_is_answered_at_once)
{
	const char *a, *b;
	struct flow_answer answer;

	flow_init(&f, MINUTE "[rule all]\nrequire = role:admin\n");
	a = flow_login(&f, "alice");
	b = flow_login(&f, "alice");
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(check(a), 204);
	user("alice")->who.roles = STR("admin,new");
	user("alice")->who.email = STR("new@example.com");
	fake_env_advance(&f.fake, 60);
	answer = flow_verify(&f, "/", a, NULL);
	ck_assert_uint_eq(answer.status, 204);
	ck_assert(str_eq(flow_header(&answer, "Remote-Groups"),
			 STR("admin,new")));
	ck_assert(str_eq(flow_header(&answer, "Remote-Email"),
			 STR("new@example.com")));
	/* The rules use the new user, and other sessions get it, too. */
	user("alice")->who.roles = STR("new");
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(check(a), 403);
	f.users_table.down = true;
	ck_assert_uint_eq(check(a), 403);
	f.users_table.down = false;
	answer = flow_verify(&f, "/", b, NULL);
	ck_assert_uint_eq(answer.status, 403);
}
END_TEST

static int (*update_user)(void *conn, const struct call *c,
			  const struct identity *who, struct err *err);

/* Between the query and the update another instance removes a role, first from
 * the user and then from their sessions. */
static int
update_after_another(void *conn, const struct call *c,
		     const struct identity *who, struct err *err)
{
	f.faulty.ops.update_user = update_user;
	user("alice")->who.roles = STR("staff");
	ck_assert_int_eq(update_user(conn, c, &user("alice")->who, err), 0);
	return update_user(conn, c, who, err);
}

START_TEST(newer_change_is_not_undone)
{
	const char *a, *b;
	struct flow_answer answer;

	flow_init(&f, MINUTE);
	a = flow_login(&f, "alice");
	b = flow_login(&f, "alice");
	fake_env_advance(&f.fake, 60);
	user("alice")->who.roles = STR("admin,new");
	update_user = f.faulty.ops.update_user;
	f.faulty.ops.update_user = update_after_another;
	answer = flow_verify(&f, "/", a, NULL);
	ck_assert(str_eq(flow_header(&answer, "Remote-Groups"), STR("staff")));
	f.users_table.finds = 0;
	answer = flow_verify(&f, "/", a, NULL);
	ck_assert(str_eq(flow_header(&answer, "Remote-Groups"), STR("staff")));
	ck_assert_uint_eq(f.users_table.finds, 0);
	answer = flow_verify(&f, "/", b, NULL);
	ck_assert(str_eq(flow_header(&answer, "Remote-Groups"), STR("staff")));
}
END_TEST

/* A user that is unchanged is not written, so that a check only reads. */
START_TEST(unchanged_user_is_not_written)
{
	const char *cookie;

	flow_init(&f, MINUTE);
	cookie = flow_login(&f, "alice");
	fake_env_advance(&f.fake, 60);
	store_faulty_fail(&f.faulty, 0, false);
	f.users_table.finds = 0;
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 204);
	ck_assert_uint_eq(f.users_table.finds, 1);
	ck_assert_uint_eq(atomic_load(&f.faulty.calls), 1); /* find() */
}
END_TEST

START_TEST(failed_user_source_gives_503)
{
	const char *cookie;
	struct flow_answer answer;

	flow_init(&f, MINUTE "[rule pub]\npath = /pub\nrequire = public\n"
			     "[rule all]\nrequire = user\n");
	cookie = flow_login(&f, "alice");
	f.users_table.down = true;
	ck_assert_uint_eq(check(cookie), 204); /* the recheck is not due */
	fake_env_advance(&f.fake, 60);
	answer = flow_verify(&f, "/", cookie, NULL);
	ck_assert_uint_eq(answer.status, 503);
	ck_assert_ptr_nonnull(flow_header(&answer, "Retry-After").p);
	ck_assert_ptr_null(flow_header(&answer, "Set-Cookie").p);
	/* A public page passes without an identity. */
	answer = flow_verify(&f, "/pub/x", cookie, NULL);
	ck_assert_uint_eq(answer.status, 204);
	ck_assert_ptr_null(flow_header(&answer, "Remote-User").p);
	ck_assert_uint_eq(flow_get(&f, "/auth/me", cookie, NULL).status, 503);
	/* A failed recheck stays due. */
	flow_write_touches(&f);
	ck_assert_uint_eq(check(cookie), 503);
	f.users_table.down = false;
	fake_env_advance(&f.fake, 2); /* the back-off ends */
	ck_assert_uint_eq(check(cookie), 204);
}
END_TEST

/* If the store cannot end or change the session, the answer is 503. */
START_TEST(failed_store_gives_503)
{
	for (unsigned changed = 0; changed < 2; changed++) {
		const char *cookie;

		flow_init(&f, MINUTE);
		cookie = flow_login(&f, "alice");
		fake_env_advance(&f.fake, 60);
		if (changed != 0)
			user("alice")->who.roles = STR("");
		else
			user("alice")->disabled = true;
		store_faulty_fail(&f.faulty, 2, false); /* after find() */
		ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status,
				  503);
		store_faulty_fail(&f.faulty, 0, false);
		fake_env_advance(&f.fake, 2);
		ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status,
				  changed != 0 ? 204 : 401);
		if (changed == 0)
			flow_free(&f);
	}
}
END_TEST

/* Every use of a credential rechecks the user, by cookie or Bearer token. */
START_TEST(every_use_rechecks)
{
	const char *const me = "/auth/me";
	const char *cookie, *bearer;

	flow_init(&f, MINUTE "[auth]\ndeliver = both\n");
	for (int way = 0; way < 5; way++) {
		struct flow_answer a;

		user("alice")->disabled = false;
		cookie = flow_login(&f, "alice");
		bearer = flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s",
				   cookie + strlen("HTTP_COOKIE=" COOKIE "="));
		fake_env_advance(&f.fake, 60);
		user("alice")->disabled = true;
		switch (way) {
		case 0:
			a = flow_get(&f, me, cookie, NULL);
			break;
		case 1:
			a = flow_get(&f, me, bearer, NULL);
			break;
		case 2:
			a = flow_verify(&f, "/", bearer, NULL);
			break;
		case 3:
			a = flow_post(&f, "/auth/refresh", "", "", cookie);
			break;
		default:
			a = flow_post(&f, "/auth/refresh", "", "", bearer);
			break;
		}
		ck_assert_msg(a.status == 401, "way %d: the status is %u", way,
			      a.status);
		user("alice")->disabled = false;
		ck_assert_msg(check(cookie) == 401,
			      "way %d: the session is still valid", way);
	}
}
END_TEST

/* A session that is only refreshed is rechecked, too. */
START_TEST(refresh_rechecks)
{
	const char *cookie;
	int seconds = 0;

	flow_init(&f, MINUTE);
	cookie = flow_login(&f, "alice");
	fake_env_advance(&f.fake, 61);
	ck_assert_uint_eq(check(cookie), 204);
	user("alice")->disabled = true;
	while (flow_post(&f, "/auth/refresh", "", "", cookie).status == 200) {
		fake_env_advance(&f.fake, 5);
		seconds += 5;
		ck_assert_int_lt(seconds, 100);
	}
	ck_assert_int_le(seconds, 60);
}
END_TEST

/* A sign-out needs no user source. */
START_TEST(sign_out_needs_no_user_source)
{
	const char *cookie;

	flow_init(&f, MINUTE);
	cookie = flow_login(&f, "alice");
	fake_env_advance(&f.fake, 60);
	f.users_table.down = true;
	ck_assert_uint_eq(flow_get(&f, "/auth/logout", cookie, NULL).status,
			  200);
	ck_assert_uint_eq(flow_post(&f, "/auth/logout", "application/json", "",
				    cookie)
			      .status,
			  204);
	f.users_table.down = false;
	ck_assert_uint_eq(check(cookie), 401);
}
END_TEST

/* A remembered session has no idle timeout and is rechecked, too. The recheck
 * does not shorten it. */
START_TEST(remembered_session_is_rechecked)
{
	const char *cookie;
	struct flow_answer a;
	unsigned n;

	flow_init(&f, MINUTE);
	a = flow_post(&f, "/auth/login", "application/json",
		      "{\"username\":\"alice\",\"password\":\"" FLOW_PASSWORD
		      "\",\"remember\":true}",
		      NULL);
	cookie = flow_text(&f, "HTTP_COOKIE=" COOKIE "=%s",
			   flow_cookie(&f, &a, COOKIE));
	n = finds_in(cookie, 300);
	ck_assert_msg(n == 5, "there are %u queries in 5 minutes", n);
	fake_env_advance(&f.fake, 29 * 86400);
	ck_assert_uint_eq(check(cookie), 204);
	user("alice")->disabled = true;
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(check(cookie), 401);
}
END_TEST

/* Lost touches cost queries, but no recheck is left out. */
START_TEST(lost_touches_cost_only_queries)
{
	static struct touch lost[LAST_SEEN_MAX];
	const char *cookie;

	flow_init(&f, MINUTE);
	cookie = flow_login(&f, "alice");
	fake_env_advance(&f.fake, 60);
	f.users_table.finds = 0;
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status,
				  204);
		(void)last_seen_take(f.shared.last_seen, lost);
	}
	ck_assert_uint_eq(f.users_table.finds, 10);
	user("alice")->disabled = true;
	ck_assert_uint_eq(check(cookie), 401);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("recheck");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, recheck_makes_one_query_per_interval);
	tcase_add_loop_test(t, queries_follow_the_interval, 0,
			    ARRAY_LEN(intervals));
	tcase_add_test(t, change_is_seen_within_the_interval);
	tcase_add_test(t, disabled_user_loses_all_sessions);
	tcase_add_test(t, removed_user_loses_all_sessions);
	tcase_add_test(t, changed_user_is_answered_at_once);
	tcase_add_test(t, newer_change_is_not_undone);
	tcase_add_test(t, unchanged_user_is_not_written);
	tcase_add_test(t, failed_user_source_gives_503);
	tcase_add_test(t, failed_store_gives_503);
	tcase_add_test(t, every_use_rechecks);
	tcase_add_test(t, refresh_rechecks);
	tcase_add_test(t, sign_out_needs_no_user_source);
	tcase_add_test(t, remembered_session_is_rechecked);
	tcase_add_test(t, lost_touches_cost_only_queries);
	return run_case(t);
}
