/* SPDX-License-Identifier: MIT */
/* A new password ends the sessions of the old one, no matter how it was set;
 * another hash of the same password ends none. */
#include "tests/unit/modes/refresh_fixture.h"

#include "strategy/password_mark.h"
#include "crypto/password.h"

/* A hash of FLOW_PASSWORD. */
#define BCRYPT	 "$2y$04$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S"
#define SESSIONS "[store]\ndriver = memory\n"

static char texts[8][PASSWORD_HASH_MAX];

/* A new hash of the password, in the n-th buffer. */
static struct str
hash_of(unsigned nth, const char *password)
{
	struct err err;

	ck_assert_int_eq(password_hash(str_from(password), texts[nth], &err),
			 0);
	return str_from(texts[nth]);
}

static struct user *
alice(void)
{
	return &f.users_table.v[0];
}

static unsigned
seen(const char *cookie)
{
	return flow_verify(&f, "/", cookie, NULL).status;
}

/* Checks the cookie after the time in which each session is rechecked once. */
static unsigned
seen_later(const char *cookie)
{
	fake_env_advance(&f.fake, 60);
	return seen(cookie);
}

static const char *
login_with(const char *password, unsigned status)
{
	struct flow_answer a = flow_sign_in(&f, "alice", password, NULL);
	const char *token = flow_cookie(&f, &a, "__Host-fcgiauth");

	ck_assert_uint_eq(a.status, status);
	return status != 200 || token == NULL ?
		   NULL :
		   flow_text(&f, "HTTP_COOKIE=__Host-fcgiauth=%s", token);
}

START_TEST(new_password_ends_the_sessions)
{
	const char *old[2], *other, *new;

	flow_init(&f, SESSIONS);
	old[0] = flow_login(&f, "alice");
	old[1] = flow_login(&f, "alice");
	other = flow_login(&f, "bob");
	ck_assert_uint_eq(seen_later(old[0]), 204);
	alice()->hash = hash_of(0, "another password");
	ck_assert_uint_eq(seen(old[0]), 204); /* the recheck is not due */
	new = login_with("another password", 200);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(seen_later(old[i]), 401);
	ck_assert_uint_eq(seen_later(new), 204);
	ck_assert_uint_eq(seen_later(other), 204);
	/* The old session stays ended when the old password returns. */
	alice()->hash = f.users_table.v[1].hash;
	ck_assert_uint_eq(seen_later(old[0]), 401);
	ck_assert_uint_eq(seen_later(new), 401);
	flow_free(&f);
}
END_TEST

static const char *const others[] = {
	"", /* the password was removed */
	"*", /* no password fits */
	BCRYPT,
};

/* Another hash ends the sessions even if the password is the same, because
 * another program has set it. */
START_TEST(other_hash_ends_the_sessions)
{
	const char *cookie;

	flow_init(&f, SESSIONS);
	cookie = flow_login(&f, "alice");
	alice()->hash = str_from(others[_i]);
	ck_assert_uint_eq(seen_later(cookie), 401);
	flow_free(&f);
}
END_TEST

/* A refresh rechecks the session, too. */
START_TEST(refresh_in_mode_session_is_refused)
{
	const char *cookie;

	flow_init(&f, SESSIONS);
	cookie = flow_login(&f, "alice");
	alice()->hash = hash_of(0, "another password");
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(flow_post(&f, "/auth/refresh", "", "", cookie).status,
			  401);
	flow_free(&f);
}
END_TEST

static const char *
refresh_cookie(const struct flow_answer *a)
{
	return flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s",
			 flow_cookie(&f, a, REFRESH));
}

START_TEST(refresh_token_ends_at_once)
{
	struct flow_answer a;
	const char *first, *cookie;

	setup();
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	first = refresh_cookie(&a);
	a = flow_post(&f, "/auth/refresh", "", "", first);
	ck_assert_uint_eq(a.status, 200);
	cookie = refresh_cookie(&a);
	alice()->hash = hash_of(0, "another password");
	/* The predecessor in its grace period is refused, too. */
	ck_assert_uint_eq(flow_post(&f, "/auth/refresh", "", "", first).status,
			  400);
	ck_assert_uint_eq(flow_post(&f, "/auth/refresh", "", "", cookie).status,
			  400);
	alice()->hash = f.users_table.v[1].hash;
	ck_assert_uint_eq(flow_post(&f, "/auth/refresh", "", "", cookie).status,
			  400);
	teardown();
}
END_TEST

START_TEST(refresh_token_survives_our_rehash)
{
	struct flow_answer a;
	const char *cookie;

	setup();
	alice()->hash = STR(BCRYPT);
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	cookie = refresh_cookie(&a);
	flow_rehash(&f);
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(str_starts(alice()->hash, STR("$argon2id$")));
	a = flow_post(&f, "/auth/refresh", "", "", cookie);
	ck_assert_uint_eq(a.status, 200);
	teardown();
}
END_TEST

/* The rehash ends neither the session that causes it nor an earlier one. */
START_TEST(our_rehash_ends_no_session)
{
	const char *before, *doing;

	flow_init(&f, SESSIONS);
	alice()->hash = STR(BCRYPT);
	before = flow_login(&f, "alice");
	flow_rehash(&f);
	doing = flow_login(&f, "alice");
	ck_assert(str_starts(alice()->hash, STR("$argon2id$")));
	/* A second rehash follows before any recheck. */
	ck_assert_int_eq(password_rehash(STR(FLOW_PASSWORD), alice()->hash,
					 texts[0], &(struct err){ .code = 0 }),
			 0);
	alice()->hash = str_from(texts[0]);
	ck_assert_uint_eq(seen_later(before), 204);
	ck_assert_uint_eq(seen_later(doing), 204);
	alice()->hash = hash_of(1, FLOW_PASSWORD);
	ck_assert_uint_eq(seen_later(before), 401);
	ck_assert_uint_eq(seen_later(doing), 401);
	flow_free(&f);
}
END_TEST

static int
fail_remark(void *conn, const struct call *c, const struct remark *m,
	    struct err *err)
{
	(void)conn;
	(void)c;
	(void)m;
	return err_set(err, ERR_BUSY, "told to fail");
}

/* The service or the store fails after the hash was replaced. No session ends,
 * and the first recheck repairs the mark. */
START_TEST(interrupted_rehash_ends_no_session)
{
	int (*works)(void *, const struct call *, const struct remark *,
		     struct err *);
	const char *cookie;

	flow_init(&f, SESSIONS);
	alice()->hash = STR(BCRYPT);
	cookie = flow_login(&f, "alice");
	flow_rehash(&f);
	works = f.faulty.ops.remark;
	f.faulty.ops.remark = fail_remark;
	(void)flow_login(&f, "alice");
	ck_assert(str_starts(alice()->hash, STR("$argon2id$")));
	f.faulty.ops.remark = works;
	ck_assert_uint_eq(seen_later(cookie), 204);
	ck_assert_int_eq(password_rehash(STR(FLOW_PASSWORD), alice()->hash,
					 texts[0], &(struct err){ .code = 0 }),
			 0);
	alice()->hash = str_from(texts[0]);
	ck_assert_uint_eq(seen_later(cookie), 204);
	flow_free(&f);
}
END_TEST

static int (*create)(void *conn, const struct call *c,
		     const struct session *session, int64_t max_per_user,
		     int64_t *evicted, struct err *err);
static struct session created;

static int
create_unmarked(void *conn, const struct call *c, const struct session *session,
		int64_t max_per_user, int64_t *evicted, struct err *err)
{
	struct session old = *session;

	created = *session;
	memset(&old.mark, 0, sizeof(old.mark));
	return create(conn, c, &old, max_per_user, evicted, err);
}

/* A session from before there were marks is not affected. */
START_TEST(session_without_mark_stays_valid)
{
	const char *old, *new;

	flow_init(&f, SESSIONS);
	create = f.faulty.ops.create;
	f.faulty.ops.create = create_unmarked;
	old = flow_login(&f, "alice");
	f.faulty.ops.create = create;
	alice()->hash = hash_of(0, "another password");
	ck_assert_uint_eq(seen_later(old), 204);
	new = login_with("another password", 200);
	alice()->hash = hash_of(1, "a third password");
	ck_assert_uint_eq(seen_later(old), 204);
	ck_assert_uint_eq(seen_later(new), 401);
	flow_free(&f);
}
END_TEST

/* The mark is neither the hash nor a digest that anybody can compute, and it
 * differs from that of another store. */
START_TEST(mark_tells_nothing_about_the_hash)
{
	uint8_t print[PASSWORD_PRINT_BYTES];
	struct password_mark marks[2];

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		flow_init(&f, SESSIONS);
		create = f.faulty.ops.create;
		f.faulty.ops.create = create_unmarked;
		atomic_store(&f.fake.random, 1000 * i);
		alice()->hash = STR(BCRYPT);
		(void)flow_login(&f, "alice");
		password_print(alice()->hash, print);
		ck_assert(password_mark_is_known(&created.mark));
		ck_assert_int_ne(memcmp(&created.mark, print, sizeof(print)),
				 0);
		marks[i] = created.mark;
		flow_free(&f);
	}
	ck_assert_int_ne(memcmp(&marks[0], &marks[1], sizeof(marks[0])), 0);
}
END_TEST

/* The change between the verification of the password and the creation of the
 * session. */
static struct str meanwhile;

static void
change(struct users_fake_table *t, unsigned nth)
{
	if (nth == 2)
		t->v[0].hash = meanwhile;
}

static struct str
change_during(struct str hash)
{
	meanwhile = hash;
	f.users_table.finds = 0;
	f.users_table.on_find = change;
	return hash;
}

START_TEST(hash_replaced_meanwhile_is_accepted)
{
	const char *cookie;
	struct err err;

	flow_init(&f, SESSIONS);
	alice()->hash = STR(BCRYPT);
	ck_assert_int_eq(password_rehash(STR(FLOW_PASSWORD), STR(BCRYPT),
					 texts[0], &err),
			 0);
	(void)change_during(str_from(texts[0]));
	cookie = login_with(FLOW_PASSWORD, 200);
	f.users_table.on_find = NULL;
	ck_assert_uint_eq(seen_later(cookie), 204);
	/* Another program or another instance has replaced the hash. */
	alice()->hash = STR(BCRYPT);
	(void)change_during(hash_of(1, FLOW_PASSWORD));
	cookie = login_with(FLOW_PASSWORD, 200);
	f.users_table.on_find = NULL;
	ck_assert_uint_eq(seen_later(cookie), 204);
	flow_free(&f);
}
END_TEST

static const char *const changes[] = { "another password", "", "*" };

START_TEST(password_changed_meanwhile_is_refused)
{
	flow_init(&f, SESSIONS);
	alice()->hash = STR(BCRYPT);
	(void)change_during(changes[_i][0] == 'a' ? hash_of(0, changes[_i]) :
						    str_from(changes[_i]));
	ck_assert_ptr_null(login_with(FLOW_PASSWORD, 401));
	flow_free(&f);
}
END_TEST

/* The log says why the sessions ended. */
static const struct {
	const char *says;
	bool disabled, gone;
} ends[] = {
	{ " sessions_revoked user=alice ended=1 why=user_disabled ", true,
	  false },
	{ " sessions_revoked user=alice ended=1 why=user_gone ", false, true },
	{ " why=password_changed ", false, false },
};

START_TEST(log_says_why_sessions_ended)
{
	const char *cookie, *text;

	flow_init(&f, SESSIONS);
	cookie = flow_login(&f, "alice");
	flow_log(&f, LOG_INFO);
	alice()->disabled = ends[_i].disabled;
	if (ends[_i].gone)
		alice()->who.name = STR("zoe");
	if (!ends[_i].disabled && !ends[_i].gone)
		alice()->hash = hash_of(0, "another password");
	ck_assert_uint_eq(seen_later(cookie), 401);
	text = flow_logged(&f);
	ck_assert_msg(strstr(text, ends[_i].says) != NULL, "the log is %s",
		      text);
	flow_free(&f);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("marks");

	tcase_add_test(t, new_password_ends_the_sessions);
	tcase_add_loop_test(t, other_hash_ends_the_sessions, 0,
			    ARRAY_LEN(others));
	tcase_add_test(t, refresh_in_mode_session_is_refused);
	tcase_add_test(t, refresh_token_ends_at_once);
	tcase_add_test(t, refresh_token_survives_our_rehash);
	tcase_add_test(t, our_rehash_ends_no_session);
	tcase_add_test(t, interrupted_rehash_ends_no_session);
	tcase_add_test(t, session_without_mark_stays_valid);
	tcase_add_test(t, mark_tells_nothing_about_the_hash);
	tcase_add_loop_test(t, log_says_why_sessions_ended, 0, ARRAY_LEN(ends));
	tcase_add_test(t, hash_replaced_meanwhile_is_accepted);
	tcase_add_loop_test(t, password_changed_meanwhile_is_refused, 0,
			    ARRAY_LEN(changes));
	return run_case(t);
}
