/* SPDX-License-Identifier: MIT */
/* The contract suite of the user sources that support changes. */
#include "tests/contract/users/fixture.h"
#include "tests/support/call.h"
#include "tests/support/run.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static enum user_change
add(struct fixture *r, const struct user *u)
{
	enum user_change answer = USER_MISSING;

	OK(r, users_add(r->conn, CALL_AT(r->a, r->now * 1000), u, &answer,
			&r->err));
	return answer;
}

static bool
find(struct fixture *r, struct str name, struct user *out)
{
	struct user_answer is = { .found = true };

	OK(r, users_find(r->conn, CALL_AT(r->a, 0), name, &is, &r->err));
	*out = is.user;
	return is.found;
}

static bool
user_same(const struct user *a, const struct user *b)
{
	return identity_equal(&a->who, &b->who) && str_eq(a->hash, b->hash) &&
	       a->disabled == b->disabled;
}

START_TEST(an_added_user_is_found)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), got;

	HOLDS(r, !find(r, STR("alice"), &got));
	SAME(r, add(r, &u), USER_CHANGED);
	HOLDS(r, find(r, STR("alice"), &got));
	HOLDS(r, user_same(&u, &got));
	SAME(r, got.created, r->now);
	SAME(r, got.changed, r->now);
	fixture_close(r);
}
END_TEST

START_TEST(only_the_exact_name_is_found)
{
	const struct str others[] = {
		STR("Alice"),	    STR("alic"),
		STR("alice "),	    STR(" alice"),
		STR("alice2"),	    STR("al%"),
		STR("a_ice"),	    STR(""),
		STR("ali*"),	    STR("alice\0"),
		STR("' OR 1=1 --"),
	};
	static const struct user nobody;
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), got;

	SAME(r, add(r, &u), USER_CHANGED);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		memset(&got, 0xa5, sizeof(got));
		HOLDS(r, !find(r, others[i], &got));
		ck_assert_mem_eq(&got, &nobody, sizeof(got));
	}
	u = fixture_user("Alice");
	SAME(r, add(r, &u), USER_CHANGED);
	HOLDS(r, find(r, STR("Alice"), &got));
	HOLDS(r, str_eq(got.who.name, STR("Alice")));
	fixture_close(r);
}
END_TEST

START_TEST(a_name_is_added_once)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), second = u, got;

	SAME(r, add(r, &u), USER_CHANGED);
	second.hash = STR("$other");
	second.who.roles = STR("root");
	SAME(r, add(r, &second), USER_EXISTS);
	HOLDS(r, find(r, STR("alice"), &got));
	HOLDS(r, user_same(&u, &got));
	fixture_close(r);
}
END_TEST

START_TEST(set_writes_all_but_created)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), other = fixture_user("bob"), got;
	const struct user old = u;
	enum user_change answer;

	SAME(r, add(r, &u), USER_CHANGED);
	SAME(r, add(r, &other), USER_CHANGED);
	u.disabled = true;
	u.hash = STR("");
	u.who.roles = STR("");
	u.who.email = STR("");
	u.who.full_name = STR("");
	OK(r, users_set(r->conn, CALL_AT(r->a, (r->now + 60) * 1000), &old, &u,
			&answer, &r->err));
	SAME(r, answer, USER_CHANGED);
	HOLDS(r,
	      find(r, STR("alice"), &got)); /* disabled users are found, too */
	HOLDS(r, user_same(&u, &got));
	SAME(r, got.created, r->now);
	SAME(r, got.changed, r->now + 60);
	HOLDS(r, find(r, STR("bob"), &got));
	HOLDS(r, user_same(&other, &got));

	u.who.name = STR("carol");
	OK(r, users_set(r->conn, CALL_AT(r->a, r->now * 1000), &u, &u, &answer,
			&r->err));
	SAME(r, answer, USER_MISSING);
	HOLDS(r, !find(r, STR("carol"), &got));
	fixture_close(r);
}
END_TEST

/* A set is refused when any field was changed since it was read. */
START_TEST(set_refuses_a_stale_user)
{
	struct fixture *r = fixture_open();
	const struct user u = fixture_user("alice");
	struct user olds[] = { u, u, u, u, u, u }, next = u, got;
	enum user_change answer;

	SAME(r, add(r, &u), USER_CHANGED);
	olds[0].hash = STR("$stale");
	olds[1].hash = STR("");
	olds[2].disabled = true;
	olds[3].who.roles = STR("staff");
	olds[4].who.email = (struct str){ .p = NULL };
	olds[5].who.full_name = STR("Ann");
	next.who.email = STR("b@example.com");
	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		answer = USER_MISSING;
		OK(r, users_set(r->conn, CALL_AT(r->a, (r->now + 5) * 1000),
				&olds[i], &next, &answer, &r->err));
		ck_assert_msg(answer == USER_STALE, "%s: row %zu: answer %d",
			      r->name, i, (int)answer);
		HOLDS(r, find(r, STR("alice"), &got));
		HOLDS(r, user_same(&u, &got));
		SAME(r, got.changed, r->now);
	}
	OK(r, users_set(r->conn, CALL_AT(r->a, (r->now + 5) * 1000), &u, &next,
			&answer, &r->err));
	SAME(r, answer, USER_CHANGED);
	HOLDS(r, find(r, STR("alice"), &got));
	HOLDS(r, user_same(&next, &got));
	/* A set with the same values counts as a change. */
	OK(r, users_set(r->conn, CALL_AT(r->a, (r->now + 6) * 1000), &next,
			&next, &answer, &r->err));
	SAME(r, answer, USER_CHANGED);
	fixture_close(r);
}
END_TEST

START_TEST(set_hash_refuses_a_stale_hash)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), got;
	bool changed = true;

	SAME(r, add(r, &u), USER_CHANGED);
	OK(r, users_set_hash(r->conn, CALL_AT(r->a, (r->now + 5) * 1000),
			     REHASH(.name = u.who.name, .old = STR("$stale"),
				    .hash = STR("$new")),
			     &changed, &r->err));
	HOLDS(r, !changed);
	HOLDS(r, find(r, STR("alice"), &got));
	HOLDS(r, user_same(&u, &got));
	SAME(r, got.changed, r->now);
	OK(r, users_set_hash(r->conn, CALL_AT(r->a, (r->now + 5) * 1000),
			     REHASH(.name = u.who.name, .old = u.hash,
				    .hash = STR("$new")),
			     &changed, &r->err));
	HOLDS(r, changed);
	HOLDS(r, find(r, STR("alice"), &got));
	HOLDS(r, str_eq(got.hash, STR("$new")));
	HOLDS(r, identity_equal(&got.who, &u.who));
	OK(r, users_set_hash(r->conn, CALL_AT(r->a, r->now * 1000),
			     REHASH(.name = STR("bob"), .old = STR("$new"),
				    .hash = STR("$x")),
			     &changed, &r->err));
	HOLDS(r, !changed);
	fixture_close(r);
}
END_TEST

START_TEST(a_user_is_removed_once)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), got;
	enum user_change answer;

	SAME(r, add(r, &u), USER_CHANGED);
	OK(r, users_remove(r->conn, CALL_AT(r->a, 0), STR("alic%"), &answer,
			   &r->err));
	SAME(r, answer, USER_MISSING);
	OK(r, users_remove(r->conn, CALL_AT(r->a, 0), STR("alice"), &answer,
			   &r->err));
	SAME(r, answer, USER_CHANGED);
	OK(r, users_remove(r->conn, CALL_AT(r->a, 0), STR("alice"), &answer,
			   &r->err));
	SAME(r, answer, USER_MISSING);
	HOLDS(r, !find(r, STR("alice"), &got));
	SAME(r, add(r, &u), USER_CHANGED);
	fixture_close(r);
}
END_TEST

START_TEST(a_list_is_sorted_by_name)
{
	static const char *const names[] = { "zoe", "bob",  "Bob", "alice",
					     "a.b", "carl", "dora" };
	static const char *const sorted[] = { "Bob",  "a.b",  "alice", "bob",
					      "carl", "dora", "zoe" };
	struct fixture *r = fixture_open();
	struct user_list list;

	OK(r,
	   users_list(r->conn, CALL_AT(r->a, 0), STR(""), 10, &list, &r->err));
	SAME(r, list.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct user u = fixture_user(names[i]);

		SAME(r, add(r, &u), USER_CHANGED);
	}
	for (size_t limit = 1; limit < 9; limit++) {
		struct str after = STR("");
		size_t n = 0;

		do {
			OK(r, users_list(r->conn, CALL_AT(r->a, 0), after,
					 limit, &list, &r->err));
			HOLDS(r, list.n <= limit);
			for (size_t i = 0; i < list.n; i++, n++) {
				after = list.v[i].who.name;
				ck_assert_msg(str_eq(after,
						     str_from(sorted[n])),
					      "%s: limit %zu: found %.*s",
					      r->name, limit, STR_ARG(after));
			}
		} while (list.n == limit);
		SAME(r, n, ARRAY_LEN(names));
	}
	OK(r, users_list(r->conn, CALL_AT(r->a, 0), STR("zoe"), SIZE_MAX, &list,
			 &r->err));
	SAME(r, list.n, 0);
	fixture_close(r);
}
END_TEST

START_TEST(invalid_users_are_refused)
{
	static char longest[1100];
	struct fixture *r = fixture_open();
	struct user good = fixture_user("alice"), got;

	memset(longest, 'x', sizeof(longest));
	{
		const struct {
			struct user u;
			const char *says;
		} rows[] = {
			{ { .who = { .name = STR("") } }, "user name" },
			{ { .who = { .name = STR("a b") } }, "user name" },
			{ { .who = { .name = STR("a\0b") } }, "user name" },
			{ { .who = { .name = { longest, 65 } } }, "user name" },
			{ { .who = { .name = STR("a"), .roles = STR(",") } },
			  "roles" },
			{ { .who = { .name = STR("a"), .roles = STR("a b") } },
			  "roles" },
			{ { .who = { .name = STR("a"),
				     .roles = { longest, 1100 } } },
			  "roles" },
			{ { .who = { .name = STR("a"),
				     .email = STR("a@b\r\nX: y") } },
			  "e-mail" },
			{ { .who = { .name = STR("a"),
				     .full_name = STR("\xff") } },
			  "full name" },
			{ { .who = { .name = STR("a"),
				     .full_name = STR("\xe2\x80\xae") } },
			  "full name" },
			{ { .who = { .name = STR("a"),
				     .full_name = { longest, 257 } } },
			  "full name" },
			{ { .who = { .name = STR("a") },
			    .hash = { longest, 513 } },
			  "hash" },
		};

		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			enum user_change answer;

			r->err = (struct err){ .code = ERR_NONE };
			ck_assert_msg(
			    users_add(r->conn, CALL_AT(r->a, r->now * 1000),
				      &rows[i].u, &answer, &r->err) == -1 &&
				users_set(r->conn, CALL_AT(r->a, r->now * 1000),
					  &rows[i].u, &rows[i].u, &answer,
					  &r->err) == -1,
			    "%s: row %zu is accepted", r->name, i);
			ck_assert_msg(r->err.code == ERR_INPUT &&
					  strstr(r->err.msg, rows[i].says) !=
					      NULL,
				      "%s: row %zu: %s", r->name, i,
				      r->err.msg);
		}
	}
	SAME(r, add(r, &good), USER_CHANGED); /* without a back-off */
	HOLDS(r, !find(r, STR("a"), &got));
	fixture_close(r);
}
END_TEST

/* A lack of memory is an error, and never the answer "no such user". */
START_TEST(find_fails_without_memory)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice");
	struct user_answer is = { .user = u };
	unsigned failures = 0;

	SAME(r, add(r, &u), USER_CHANGED);
	for (unsigned n = 0; n < 12; n++) {
		struct arena *a = arena_new(1 << 20);
		int rc;

		ck_assert_ptr_nonnull(a);
		arena_fail_after(a, n);
		rc = users_find(r->conn, CALL_AT(a, 0), STR("alice"), &is,
				&r->err);
		if (arena_has_failed(a)) {
			failures++;
			SAME(r, rc, -1);
			SAME(r, r->err.code, ERR_INTERNAL);
			HOLDS(r, !is.found && user_same(&u, &is.user));
		} else {
			SAME(r, rc, 0);
			HOLDS(r, is.found);
			is = (struct user_answer){ .user = u };
		}
		arena_free(a);
	}
	HOLDS(r, failures > 0);
	fixture_close(r);
}
END_TEST

enum { THREADS = 4 };

struct work {
	struct fixture *r;
	struct users_conn *conn;
	int number;
	bool changed;
	enum user_change added;
	int result;
	struct err err;
};

static void *
rehash(void *arg)
{
	struct work *w = arg;
	char hash[16];
	struct user u = fixture_user("race");
	struct hash_change change = { .name = STR("alice"),
				      .old = fixture_user("").hash };

	(void)snprintf(hash, sizeof(hash), "$new%d", w->number);
	change.hash = str_from(hash);
	w->result = users_set_hash(w->conn, CALL_AT(NULL, w->r->now * 1000),
				   &change, &w->changed, &w->err);
	if (w->result == 0)
		w->result = users_add(w->conn, CALL_AT(NULL, w->r->now * 1000),
				      &u, &w->added, &w->err);
	return NULL;
}

/* Of several threads that replace a hash, or add the same name, one succeeds.
 */
START_TEST(one_of_parallel_changes_succeeds)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), got;
	struct work work[THREADS];
	pthread_t threads[THREADS];
	int changed = 0, added = 0;
	char winner[16] = "";

	SAME(r, add(r, &u), USER_CHANGED);
	for (int i = 0; i < THREADS; i++) {
		work[i] = (struct work){ .r = r,
					 .conn = fixture_conn(r),
					 .number = i };
		HOLDS(r,
		      pthread_create(&threads[i], NULL, rehash, &work[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		HOLDS(r, pthread_join(threads[i], NULL) == 0);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_msg(work[i].result == 0, "%s: %s", r->name,
			      work[i].err.msg);
		added += work[i].added == USER_CHANGED;
		users_conn_free(work[i].conn);
		if (!work[i].changed)
			continue;
		changed++;
		(void)snprintf(winner, sizeof(winner), "$new%d", i);
	}
	SAME(r, changed, 1);
	SAME(r, added, 1);
	HOLDS(r, find(r, STR("alice"), &got));
	HOLDS(r, str_eq(got.hash, str_from(winner)));
	fixture_close(r);
}
END_TEST

START_TEST(users_survive_a_restart)
{
	struct fixture *r = fixture_open();
	struct user u = fixture_user("alice"), got;
	struct schema_state state;

	SAME(r, add(r, &u), USER_CHANGED);
	OK(r, users_ping(r->conn, &r->err));
	OK(r, users_schema(r->conn, &state, &r->err));
	SAME(r, state.have, state.want);
	OK(r, users_migrate(r->conn, &r->err));
	fixture_stop(r);
	fixture_start(r);
	SAME(r, find(r, STR("alice"), &got),
	     (r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0);
	fixture_close(r);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("users");
	int result;

	if (kind_start() != 0)
		return skip_all("the server is not installed");
	tcase_add_test(t, an_added_user_is_found);
	tcase_add_test(t, only_the_exact_name_is_found);
	tcase_add_test(t, a_name_is_added_once);
	tcase_add_test(t, set_writes_all_but_created);
	tcase_add_test(t, set_refuses_a_stale_user);
	tcase_add_test(t, set_hash_refuses_a_stale_hash);
	tcase_add_test(t, a_user_is_removed_once);
	tcase_add_test(t, a_list_is_sorted_by_name);
	tcase_add_test(t, invalid_users_are_refused);
	tcase_add_test(t, find_fails_without_memory);
	tcase_add_test(t, one_of_parallel_changes_succeeds);
	tcase_add_test(t, users_survive_a_restart);
	result = RUN_CASES(t, users_refused_cases(), users_typed_cases());
	kind_stop();
	return result;
}
