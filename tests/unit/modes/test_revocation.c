/* SPDX-License-Identifier: MIT */
/* Mode jwt with revocation = store: a revoked token stays revoked. */
#include "tests/unit/modes/refresh_fixture.h"

#include "strategy/denial.h"
#include "modes/jwt_settings.h"
#include "strategy/registry.h"
#include "auth/credential.h"
#include "tests/support/call.h"

#define REVOKED "revocation = store\n"

static void
begin(void)
{
	setup();
	use_mode("jwt", REVOKED "ttl = 1h\nleeway = 30s\n");
}

static const char *
login(void)
{
	struct flow_answer a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);

	ck_assert_uint_eq(a.status, 200);
	return flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s",
			 flow_cookie(&f, &a, ACCESS));
}

static unsigned
status_of(const char *cookie)
{
	return flow_verify(&f, "/", cookie, NULL).status;
}

static void
log_out(const char *cookie)
{
	ck_assert_uint_eq(flow_post(&f, "/auth/logout", "application/json", "",
				    cookie)
			      .status,
			  204);
}

START_TEST(sign_out_revokes_the_token)
{
	const char *cookie = login(), *other = login();

	ck_assert_uint_eq(status_of(cookie), 204);
	log_out(cookie);
	ck_assert_uint_eq(status_of(cookie), 401);
	ck_assert_uint_eq(status_of(other), 204);
}
END_TEST

/* A token may be issued by a clock that is ahead by the leeway. */
START_TEST(tokens_of_a_faster_clock_are_revoked)
{
	const char *cookie;

	fake_env_set_wall(&f.fake, FAKE_NOW + 20);
	cookie = login();
	fake_env_set_wall(&f.fake, FAKE_NOW);
	ck_assert_uint_eq(status_of(cookie), 204);
	log_out(cookie);
	for (int64_t t = 0; t < 3600 + 120; t += 10) {
		fake_env_set_wall(&f.fake, FAKE_NOW + t);
		ck_assert_msg(status_of(cookie) == 401,
			      "a revoked token is valid %d s later", (int)t);
	}
}
END_TEST

/* A token that is over under a shorter ttl is refused anyway. Signing out must
 * still revoke it, because the ttl may become longer. */
START_TEST(sign_out_revokes_under_another_ttl)
{
	const char *cookie = login();
	struct flow before = f;
	struct backend *store = backend_ref(f.store);

	flow_init(&f, ini_of("jwt", REVOKED "ttl = 1s\n"));
	store_conn_bind(f.conns.store, store);
	ck_assert_uint_eq(status_of(cookie), 401);
	log_out(cookie);
	flow_free(&f);
	f = before;
	ck_assert_uint_eq(status_of(cookie), 401);
	backend_unref(store);
}
END_TEST

START_TEST(administrator_revokes_tokens)
{
	const struct auth_mode_ops *mode = registry_mode("jwt");
	const void *conf = f.settings.mode.conf;
	const char *cookie = login();
	struct err err;

	fake_env_advance(&f.fake, 1);
	ck_assert_int_eq(mode->end_user(conf,
					flow_call(&f, (FAKE_NOW + 1) * 1000),
					STR("alice"), &err),
			 0);
	ck_assert_uint_eq(status_of(cookie), 401);
	fake_env_advance(&f.fake, 1);
	cookie = login();
	ck_assert_uint_eq(status_of(cookie), 204);
	ck_assert_int_eq(mode->end_user(conf,
					flow_call(&f, (FAKE_NOW + 2) * 1000),
					(struct str){ .p = NULL }, &err),
			 0);
	ck_assert_uint_eq(status_of(cookie), 401);
}
END_TEST

/* An administrator ends the tokens that a faster clock issued. */
START_TEST(administrator_revokes_tokens_of_a_faster_clock)
{
	const struct auth_mode_ops *mode = registry_mode("jwt");
	const char *cookie, *next;
	struct err err;

	fake_env_set_wall(&f.fake, FAKE_NOW + 20);
	cookie = login();
	fake_env_set_wall(&f.fake, FAKE_NOW);
	ck_assert_uint_eq(status_of(cookie), 204);
	ck_assert_int_eq(mode->end_user(f.settings.mode.conf,
					flow_call(&f, FAKE_NOW * 1000),
					STR("alice"), &err),
			 0);
	/* A token that is issued later is valid until the next revocation. */
	fake_env_set_wall(&f.fake, FAKE_NOW + 1);
	next = login();
	ck_assert_uint_eq(status_of(cookie), 401);
	ck_assert_uint_eq(status_of(next), 204);
	ck_assert_int_eq(mode->end_user(f.settings.mode.conf,
					flow_call(&f, (FAKE_NOW + 1) * 1000),
					STR("alice"), &err),
			 0);
	for (int64_t t = 1; t < 3600 + 120; t += 10) {
		fake_env_set_wall(&f.fake, FAKE_NOW + t);
		ck_assert_msg(status_of(cookie) == 401 &&
				  status_of(next) == 401,
			      "a revoked token is valid %d s later", (int)t);
	}
}
END_TEST

static void
session_of(const char *cookie, struct session_id *out)
{
	const char *const params[] = { cookie, NULL };
	struct flow_exchange x;
	struct auth_result is;
	struct str token;
	struct err err;

	flow_exchange(&f, params, &x);
	ck_assert_int_eq(credential_identify(&x.e, &is, &token, &err), 0);
	ck_assert_int_eq(is.verdict, VERDICT_ALLOW);
	*out = is.principal.session;
}

/* fcgiauthctl session revoke with and without --user revokes for as long as any
 * token can live, whatever the current options say. The clock of the issuer may
 * be ahead by the largest leeway. */
START_TEST(revocation_lasts_as_long_as_any_token)
{
	const struct auth_mode_ops *mode = registry_mode("jwt");
	const int64_t ahead = JWT_LEEWAY_MAX, life = JWT_TTL_MAX;
	const int64_t end = ahead + life + JWT_LEEWAY_MAX;
	const char *cookie, *other;
	struct session_id id;
	struct err err;

	use_mode("jwt", REVOKED "ttl = 30d\nleeway = 2m\n");
	fake_env_set_wall(&f.fake, FAKE_NOW + ahead);
	cookie = login();
	other = login();
	fake_env_set_wall(&f.fake, FAKE_NOW);
	session_of(cookie, &id);
	ck_assert_int_eq(_i == 0 ?
			     mode->end_session(NULL,
					       flow_call(&f, FAKE_NOW * 1000),
					       &id, &err) :
			     mode->end_user(f.settings.mode.conf,
					    flow_call(&f, FAKE_NOW * 1000),
					    STR("alice"), &err),
			 0);
	for (int64_t left = end; left > 0; left -= left > 900 ? 600 : 1) {
		fake_env_set_wall(&f.fake, FAKE_NOW + end - left);
		ck_assert_msg(status_of(cookie) == 401,
			      "wrong answer %d s before the end", (int)left);
		ck_assert_msg(status_of(other) == (_i == 0 ? 204U : 401U),
			      "wrong answer %d s before the end", (int)left);
	}
	fake_env_set_wall(&f.fake, FAKE_NOW + end);
	ck_assert_uint_eq(status_of(other), 401);
}
END_TEST

static size_t
list_alice(struct session_list *out)
{
	struct session_cursor cursor = { .created_ms = 0 };
	struct err err;

	ck_assert_int_eq(store_list(f.conns.store,
				    flow_call(&f, FAKE_NOW * 1000),
				    LISTED(STR("alice"), 9), &cursor, out,
				    &err),
			 0);
	return out->n;
}

START_TEST(a_sign_in_stores_a_session)
{
	const char *cookie = login(), *other = login();
	struct session_list list;
	struct session_id id;
	const struct session *s;

	session_of(cookie, &id);
	ck_assert_uint_eq(list_alice(&list), 2);
	s = &list.v[memcmp(&list.v[0].id, &id, sizeof(id)) == 0 ? 0 : 1];
	ck_assert_mem_eq(&s->id, &id, sizeof(id));
	ck_assert(s->created_ms == FAKE_NOW * 1000);
	ck_assert(s->last_seen_ms == s->created_ms);
	ck_assert(s->expires_ms == (FAKE_NOW + 3600) * 1000);
	ck_assert(s->idle_expires_ms == s->expires_ms);
	ck_assert_uint_gt(s->address.n, 0);
	ck_assert(password_mark_is_known(&s->mark));
	log_out(cookie);
	ck_assert_uint_eq(list_alice(&list), 1);
	ck_assert_uint_eq(status_of(other), 204);
}
END_TEST

/* A check asks the store once, whether there is a session or not. */
START_TEST(a_check_does_not_read_the_session)
{
	const char *cookie = login();
	struct session_id id;
	struct err err;
	bool ended;

	session_of(cookie, &id);
	ck_assert_uint_eq(status_of(cookie), 204);
	store_faulty_fail(&f.faulty, 0, false);
	ck_assert_uint_eq(status_of(cookie), 204);
	ck_assert_uint_eq(atomic_load(&f.faulty.calls), 1);
	ck_assert_int_eq(store_revoke(f.conns.store,
				      flow_call(&f, FAKE_NOW * 1000), &id,
				      &ended, &err),
			 0);
	ck_assert(ended);
	ck_assert_uint_eq(status_of(cookie), 204);
}
END_TEST

START_TEST(no_token_without_the_store)
{
	struct flow_answer a;
	unsigned at = 0;

	use_mode("jwt", REVOKED "[session]\nmax_per_user = 1\n");
	(void)login();
	do {
		fake_env_advance(&f.fake, 60); /* past the back-off */
		store_faulty_fail(&f.faulty, ++at, true);
		a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
		if (a.status != 200) {
			ck_assert_uint_eq(a.status, 503);
			ck_assert_ptr_null(member(&a, "access_token"));
			ck_assert_ptr_null(flow_cookie(&f, &a, ACCESS));
		}
	} while (a.status != 200);
	ck_assert_uint_gt(at, 4);
}
END_TEST

/* In every mode with sessions a limit ends the oldest, and their tokens. */
START_TEST(the_limit_ends_the_oldest_sessions)
{
	static const char *const modes[] = { "session", "refresh", "jwt" };
	const char *access[4];

	use_mode(modes[_i], REVOKED "[session]\nmax_per_user = 2\n");
	for (int i = 0; i < 4; i++) {
		struct flow_answer a =
		    flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);

		ck_assert_uint_eq(a.status, 200);
		access[i] = member(&a, "access_token");
		ck_assert_ptr_nonnull(access[i]);
		fake_env_advance(&f.fake, 1);
		for (int j = 0; j <= i; j++)
			ck_assert_msg(check(access[j]) ==
					  (j + 2 > i ? 204U : 401U),
				      "%s: wrong answer for sign-in %d after "
				      "sign-in %d",
				      modes[_i], j, i);
	}
	ck_assert_uint_eq(flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL).status,
			  200);
	ck_assert_uint_eq(check(access[2]), 204);
}
END_TEST

/* A shared secret is not published. */
START_TEST(shared_secret_is_not_published)
{
	struct flow_answer a = flow_get(&f, "/auth/jwks.json", NULL, NULL);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(str_eq(a.body, STR("{\"keys\":[]}")));
	ck_assert(str_eq(flow_header(&a, "Content-Type"),
			 STR("application/jwk-set+json")));
}
END_TEST

/* Stores keep these keys, and no user name gives the key of another kind. */
START_TEST(keys_of_revocations_differ)
{
	const struct session_id id = { .b = { 0x01, 0xab, [15] = 0xff } };
	struct arena *a = arena_new(1 << 16);
	char sid[DENIAL_SESSION_KEY];

	ck_assert(str_eq(denial_user_key((struct str){ .p = NULL }, a),
			 STR("all")));
	ck_assert(str_eq(denial_user_key(STR("all"), a), STR("user:all")));
	ck_assert(str_eq(denial_user_key(STR("alice"), a), STR("user:alice")));
	ck_assert(str_eq(denial_session_key(&id, sid),
			 STR("sid:01ab00000000000000000000000000ff")));
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("revocation");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, sign_out_revokes_the_token);
	tcase_add_loop_test(t, revocation_lasts_as_long_as_any_token, 0, 2);
	tcase_add_test(t, a_sign_in_stores_a_session);
	tcase_add_test(t, a_check_does_not_read_the_session);
	tcase_add_test(t, no_token_without_the_store);
	tcase_add_loop_test(t, the_limit_ends_the_oldest_sessions, 0, 3);
	tcase_add_test(t, shared_secret_is_not_published);
	tcase_add_test(t, keys_of_revocations_differ);
	tcase_add_test(t, tokens_of_a_faster_clock_are_revoked);
	tcase_add_test(t, sign_out_revokes_under_another_ttl);
	tcase_add_test(t, administrator_revokes_tokens);
	tcase_add_test(t, administrator_revokes_tokens_of_a_faster_clock);
	return run_case(t);
}
