/* SPDX-License-Identifier: MIT */
/* auth/cache: what was verified is found again as long as nothing that concerns
 * it has changed. */
#include "tests/support/run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "auth/cache.h"

#define GENERATION UINT64_C(77)
#define FOREVER	   INT64_MAX

static struct cache *c;
static struct arena *a;

static void
setup(void)
{
	a = arena_new((size_t)1 << 20);
	c = cache_new(100);
	ck_assert(a != NULL && c != NULL);
	cache_set_trust(c, GENERATION, CACHE_LOCAL, 0);
}

static void
teardown(void)
{
	cache_free(c);
	arena_free(a);
}

static struct session_id
session_of(unsigned n)
{
	struct session_id id = { { 0 } };

	/* The last 8 bytes of an id are random, and serve as the hash. */
	memcpy(id.b + sizeof(id.b) - 8, &n, sizeof(n));
	return id;
}

static struct cache_query
query(const char *credential)
{
	return (struct cache_query){ .credential = str_from(credential),
				     .generation = GENERATION,
				     .wall_ms = 1000,
				     .mono_ms = 1000 };
}

static struct principal
principal(unsigned n)
{
	return (struct principal){ .who = { .name = STR("alice"),
					    .roles = STR("admin,dev"),
					    .email = STR("alice@example.com"),
					    .full_name = STR("") },
				   .session = session_of(n),
				   .expires_ms = 5000,
				   .ends_ms = 6000,
				   .last_seen_ms = 900,
				   .touch_every_ms = 60000,
				   .mark = { { 1, 2, 3 } } };
}

static void
add(const char *credential, unsigned n)
{
	const struct cache_query q = query(credential);
	const struct principal p = principal(n);

	cache_add(c, &q, cache_moment(c), &p);
}

static bool
finds(const char *credential)
{
	const struct cache_query q = query(credential);
	struct principal out;

	return cache_find(c, &q, a, &out);
}

static void
change_session(unsigned n)
{
	cache_change(c, &(struct change){ .kind = CHANGE_SESSION,
					  .session = session_of(n) });
}

static void
change_user(const char *name)
{
	cache_change(c, &(struct change){ .kind = CHANGE_USER,
					  .user = str_from(name) });
}

START_TEST(all_of_a_principal_is_found)
{
	const struct cache_query q = query("one");
	struct principal out;
	char name[] = "alice";
	struct principal in = principal(1);

	in.who.name = str_from(name);
	cache_add(c, &q, cache_moment(c), &in);
	memset(name, 'x', sizeof(name) - 1); /* the texts are copied */
	ck_assert(cache_find(c, &q, a, &out));
	in.who.name = STR("alice");
	ck_assert(identity_equal(&out.who, &in.who));
	ck_assert_mem_eq(&out.session, &in.session, sizeof(in.session));
	ck_assert_mem_eq(&out.mark, &in.mark, sizeof(in.mark));
	ck_assert_int_eq(out.expires_ms, 5000);
	ck_assert_int_eq(out.ends_ms, 6000);
	ck_assert_int_eq(out.last_seen_ms, 900);
	ck_assert_int_eq(out.touch_every_ms, 60000);
	ck_assert(!out.remember);
	ck_assert(!finds("another"));
}
END_TEST

START_TEST(changes_make_entries_invalid)
{
	add("one", 1);
	add("two", 2);
	change_session(1);
	ck_assert(!finds("one"));
	ck_assert(finds("two"));
	add("one", 1); /* verified after the change */
	ck_assert(finds("one"));
	change_user("alice");
	ck_assert(!finds("one"));
	ck_assert(!finds("two"));
	add("one", 1);
	change_user("alic");
	ck_assert(finds("one"));
	cache_change(c, &(struct change){ .kind = CHANGE_ALL });
	ck_assert(!finds("one"));
}
END_TEST

/* A change that is reported while a credential is verified. */
START_TEST(change_during_verification_counts)
{
	const struct cache_query q = query("one");
	const struct principal p = principal(1);
	const uint64_t moment = cache_moment(c);

	change_session(1);
	cache_add(c, &q, moment, &p);
	ck_assert(!finds("one"));
	cache_add(c, &q, moment + 1, &p);
	ck_assert(finds("one"));
}
END_TEST

START_TEST(ends_are_decided_when_read)
{
	struct cache_query q = query("one");
	struct principal out;

	add("one", 1);
	q.wall_ms = q.mono_ms = 4999;
	ck_assert(cache_find(c, &q, a, &out));
	q.wall_ms = 5000;
	ck_assert(!cache_find(c, &q, a, &out));
	q.wall_ms = 999; /* the clock was set back */
	ck_assert(!cache_find(c, &q, a, &out));
	q.wall_ms = 1000;
	q.generation++;
	ck_assert(!cache_find(c, &q, a, &out));
}
END_TEST

/* While the host is suspended, the feed reports nothing, and the monotonic
 * clock stands still. */
START_TEST(entries_from_before_a_suspension_are_not_believed)
{
	struct cache_query q = query("one");
	const struct principal p = principal(1);
	struct principal out;

	cache_set_trust(c, GENERATION, CACHE_FEED, q.mono_ms + 1000);
	add("one", 1);
	q.mono_ms += 100;
	q.wall_ms += 1100; /* a clock may be corrected slowly */
	ck_assert(cache_find(c, &q, a, &out));
	q.wall_ms++;
	ck_assert(!cache_find(c, &q, a, &out));
	cache_add(c, &q, cache_moment(c), &p);
	ck_assert(cache_find(c, &q, a, &out));
}
END_TEST

START_TEST(entries_are_believed_for_a_reason)
{
	struct cache_query q = query("one");
	const struct principal p = principal(1);
	struct principal out;

	/* The proof of a feed lapses. */
	cache_set_trust(c, GENERATION, CACHE_FEED, 2000);
	add("one", 1);
	q.mono_ms = 1999;
	ck_assert(cache_find(c, &q, a, &out));
	q.mono_ms = 2000;
	ck_assert(!cache_find(c, &q, a, &out));
	cache_set_trust(c, GENERATION, CACHE_FEED, 3000);
	ck_assert(cache_find(c, &q, a, &out));
	/* Another reason, or another configuration, drops entries. */
	cache_set_trust(c, GENERATION, CACHE_DOUBT, 0);
	ck_assert(!cache_find(c, &q, a, &out));
	cache_set_trust(c, GENERATION, CACHE_FEED, FOREVER);
	ck_assert(!cache_find(c, &q, a, &out));
	add("one", 1);
	cache_set_trust(c, GENERATION + 1, CACHE_FEED, FOREVER);
	ck_assert(!cache_find(c, &q, a, &out));
	cache_set_trust(c, GENERATION, CACHE_DOUBT, 0);
	/* Nothing is added that would not be believed. */
	cache_add(c, &q, cache_moment(c), &p);
	cache_set_trust(c, GENERATION, CACHE_LOCAL, 0);
	ck_assert(!cache_find(c, &q, a, &out));
	/* What needs no store needs no reason. */
	cache_set_trust(c, GENERATION, CACHE_DOUBT, 0);
	q.stateless = true;
	cache_add(c, &q, cache_moment(c), &p);
	ck_assert(cache_find(c, &q, a, &out));
	q.stateless = false;
	ck_assert(!cache_find(c, &q, a, &out));
}
END_TEST

START_TEST(age_is_limited_without_a_feed)
{
	struct cache_query q = query("one");
	const struct principal p = principal(1);
	struct principal out;

	cache_set_trust(c, GENERATION, CACHE_AGE, 0);
	add("one", 1);
	ck_assert(!finds("one")); /* max_age_ms is 0 */
	q.max_age_ms = 100;
	cache_add(c, &q, cache_moment(c), &p);
	q.mono_ms = 1099;
	ck_assert(cache_find(c, &q, a, &out));
	q.mono_ms = 1100;
	ck_assert(!cache_find(c, &q, a, &out));
	q.mono_ms = 1050;
	change_session(1);
	ck_assert(!cache_find(c, &q, a, &out));
}
END_TEST

START_TEST(number_of_entries_is_fixed)
{
	static const size_t sizes[] = { 1, 2, 100, 255, 256, 1000, 5000 };
	struct cache_counts n;
	char name[32];

	cache_free(c);
	c = cache_new(sizes[_i]);
	cache_set_trust(c, GENERATION, CACHE_LOCAL, 0);
	for (unsigned k = 0; k < 3 * sizes[_i] + 10; k++) {
		(void)snprintf(name, sizeof(name), "token %u", k);
		add(name, k);
		ck_assert(finds(name));
		add(name, k); /* replaces itself */
		arena_reset(a);
	}
	cache_count(c, 1000, &n);
	ck_assert_uint_eq(n.size, sizes[_i]);
	ck_assert_uint_eq(n.entries, sizes[_i]);
	ck_assert_uint_eq(n.hits, 3 * sizes[_i] + 10);
	ck_assert_int_eq(n.trust, CACHE_LOCAL);
}
END_TEST

START_TEST(entries_in_use_stay)
{
	char name[32];

	add("used", 1);
	for (unsigned k = 0; k < 1000; k++) {
		(void)snprintf(name, sizeof(name), "token %u", k);
		add(name, k + 10);
		ck_assert_msg(finds("used"), "removed after %u", k);
		arena_reset(a);
	}
}
END_TEST

/* The lengths of texts have 16 bits in an entry. */
START_TEST(text_that_is_too_long_is_not_kept)
{
	static char text[UINT16_MAX + 1];
	const struct cache_query q = query("long");
	struct principal p = principal(1), out;

	memset(text, 'x', sizeof(text));
	p.who.roles = (struct str){ .p = text, .n = UINT16_MAX };
	cache_add(c, &q, cache_moment(c), &p);
	ck_assert(cache_find(c, &q, a, &out));
	ck_assert(str_eq(out.who.roles, p.who.roles));
	change_session(1);
	p.who.roles.n++;
	cache_add(c, &q, cache_moment(c), &p);
	ck_assert(!cache_find(c, &q, a, &out));
}
END_TEST

START_TEST(denials_are_changes)
{
	struct change one =
	    change_of_denial(STR("sid:000102030405060708090a0b0c0d0e0f"));

	ck_assert_int_eq(one.kind, CHANGE_SESSION);
	ck_assert_int_eq(one.session.b[15], 15);
	one = change_of_denial(STR("user:bob"));
	ck_assert_int_eq(one.kind, CHANGE_USER);
	ck_assert(str_eq(one.user, STR("bob")));
	ck_assert_int_eq(change_of_denial(STR("all")).kind, CHANGE_ALL);
	ck_assert_int_eq(change_of_denial(STR("sid:xyz")).kind, CHANGE_ALL);
	ck_assert_int_eq(change_of_denial(STR("")).kind, CHANGE_ALL);
}
END_TEST

#define SESSIONS 40

/* The naive cache may know more, as places are shared and entries make room,
 * but never less: what it does not know must not be found. */
START_TEST(cache_never_finds_what_is_not_valid)
{
	unsigned seed = (unsigned)_i;
	bool known[SESSIONS] = { false };
	uint64_t moment[SESSIONS] = { 0 };
	char name[32];

	for (int step = 0; step < 3000; step++) {
		const unsigned n = (unsigned)rand_r(&seed) / 7 % SESSIONS;
		const struct principal p = principal(n);
		struct cache_query q;

		(void)snprintf(name, sizeof(name), "token %u", n);
		q = query(name);
		switch (rand_r(&seed) / 7 % 8) {
		case 0:
			change_session(n);
			known[n] = false;
			moment[n] = UINT64_MAX; /* what is under way fails */
			break;
		case 1:
			if (rand_r(&seed) / 7 % 20 != 0)
				break;
			change_user("alice");
			memset(known, 0, sizeof(known));
			memset(moment, 0xff, sizeof(moment));
			break;
		case 2:
			moment[n] = cache_moment(c);
			break;
		case 3:
			if (moment[n] == UINT64_MAX)
				break;
			cache_add(c, &q, moment[n], &p);
			known[n] = true;
			break;
		default:
			ck_assert_msg(!finds(name) || known[n],
				      "seed %d, step %d: %s is found", _i, step,
				      name);
		}
		arena_reset(a);
	}
}
END_TEST

/* How often each session was changed, and how often that was answered. */
static atomic_uint ages[SESSIONS], answered[SESSIONS];
static atomic_bool over;
static atomic_uint wrong, found;

/* Verifies sessions and looks them up, as requests do. */
static void *
check_sessions(void *arg)
{
	unsigned seed = *(unsigned *)arg;
	struct arena *mine = arena_new((size_t)1 << 20);
	char name[32];

	while (!atomic_load(&over)) {
		const unsigned n = (unsigned)rand_r(&seed) / 7 % SESSIONS;
		const unsigned before = atomic_load(&answered[n]);
		struct principal out, p = principal(n);
		struct cache_query q;
		uint64_t moment;

		(void)snprintf(name, sizeof(name), "token %u", n);
		q = query(name);
		if (cache_find(c, &q, mine, &out)) {
			atomic_fetch_add(&found, 1);
			/* last_seen_ms is the age that was verified. */
			if (out.last_seen_ms < (int64_t)before)
				atomic_fetch_add(&wrong, 1);
		} else {
			moment = cache_moment(c);
			p.last_seen_ms = (int64_t)atomic_load(&ages[n]);
			cache_add(c, &q, moment, &p);
		}
		arena_reset(mine);
	}
	arena_free(mine);
	return NULL;
}

/*
 * Changes sessions: first in the store, then in the cache, then answers. Goes
 * on until a check has found something, as on a busy machine all changes may
 * be done before the first check begins.
 */
static void *
change_sessions(void *arg)
{
	unsigned seed = *(unsigned *)arg;

	for (int k = 0; k < 40000 || atomic_load(&found) == 0; k++) {
		const unsigned n = (unsigned)rand_r(&seed) / 7 % SESSIONS;
		const unsigned age = atomic_fetch_add(&ages[n], 1) + 1;

		change_session(n);
		atomic_store(&answered[n], age);
		if (k % 500 == 0)
			cache_set_trust(c, GENERATION,
					k % 1000 == 0 ? CACHE_LOCAL :
							CACHE_FEED,
					FOREVER);
	}
	atomic_store(&over, true);
	return NULL;
}

START_TEST(threads_never_find_what_was_changed)
{
	unsigned seeds[] = { 1, 2, 3 };
	pthread_t checks[2], changes;

	ck_assert_int_eq(pthread_create(&checks[0], NULL, check_sessions,
					&seeds[0]),
			 0);
	ck_assert_int_eq(pthread_create(&checks[1], NULL, check_sessions,
					&seeds[1]),
			 0);
	ck_assert_int_eq(pthread_create(&changes, NULL, change_sessions,
					&seeds[2]),
			 0);
	(void)pthread_join(changes, NULL);
	(void)pthread_join(checks[0], NULL);
	(void)pthread_join(checks[1], NULL);
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	ck_assert_uint_gt(atomic_load(&found), 0);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("cache");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_of_a_principal_is_found);
	tcase_add_test(t, changes_make_entries_invalid);
	tcase_add_test(t, change_during_verification_counts);
	tcase_add_test(t, ends_are_decided_when_read);
	tcase_add_test(t, entries_from_before_a_suspension_are_not_believed);
	tcase_add_test(t, entries_are_believed_for_a_reason);
	tcase_add_test(t, age_is_limited_without_a_feed);
	tcase_add_loop_test(t, number_of_entries_is_fixed, 0, 7);
	tcase_add_test(t, entries_in_use_stay);
	tcase_add_test(t, text_that_is_too_long_is_not_kept);
	tcase_add_test(t, denials_are_changes);
	tcase_add_loop_test(t, cache_never_finds_what_is_not_valid, 0, 100);
	tcase_add_test(t, threads_never_find_what_was_changed);
	return run_case(t);
}
