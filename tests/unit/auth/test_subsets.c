/* SPDX-License-Identifier: MIT */
/*
 * Every route with every subset of credentials: none, an invalid one, a valid
 * one and that of another user; as access, refresh and login cookie and as
 * Bearer token; for a person and a program; in every mode. The properties that
 * must hold for all of them are checked for each answer.
 */
#include "tests/unit/modes/refresh_fixture.h"
#include "tests/support/call.h"

#include "strategy/store.h"

enum state { NONE = 0, DEAD, LIVE, FOREIGN, STATES };

struct mode_case {
	const char *name;
	const char *access; /* the name of its access cookie */
	bool rotates;
};

static const struct mode_case modes[] = {
	{ "session", SESSION, false },
	{ "jwt", ACCESS, false },
	{ "refresh", ACCESS, true },
};

struct route_case {
	const char *action; /* a parameter */
	bool authorizer;
	const char *method, *uri, *type;
	unsigned allowed[8];
	bool ends; /* may end sessions and clear cookies */
	bool renews; /* may prolong a session */
	bool returns; /* may return the Bearer token that was sent */
};

#define JUST	  "HTTP_X_NOTHING="
#define VERIFY	  "AUTH_ACTION=verify"
#define CHALLENGE "AUTH_ACTION=challenge"

static const struct route_case routes[] = {
	{ .action = VERIFY,
	  .method = "GET",
	  .uri = "/a?b",
	  .allowed = { 204, 401 } },
	{ .action = VERIFY,
	  .method = "HEAD",
	  .uri = "/a",
	  .allowed = { 204, 401 } },
	{ .action = VERIFY,
	  .method = "POST",
	  .uri = "/a",
	  .allowed = { 204, 401 } },
	{ .action = JUST,
	  .authorizer = true,
	  .method = "GET",
	  .uri = "/a",
	  .allowed = { 200, 302, 401 } },
	{ .action = JUST,
	  .authorizer = true,
	  .method = "HEAD",
	  .uri = "/a",
	  .allowed = { 200, 302, 401 } },
	{ .action = JUST,
	  .authorizer = true,
	  .method = "POST",
	  .uri = "/a",
	  .type = FORM,
	  .allowed = { 200, 307, 401 } },
	{ .action = CHALLENGE,
	  .method = "GET",
	  .uri = "/a",
	  .allowed = { 302, 401, 403 } },
	{ .action = CHALLENGE,
	  .method = "HEAD",
	  .uri = "/a",
	  .allowed = { 302, 401, 403 } },
	{ .action = CHALLENGE,
	  .method = "POST",
	  .uri = "/a",
	  .type = FORM,
	  .allowed = { 307, 401, 403 } },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/login?rd=/x",
	  .allowed = { 200, 303 },
	  .renews = true },
	{ .action = JUST,
	  .method = "HEAD",
	  .uri = "/auth/login?rd=/x",
	  .allowed = { 200, 303 } },
	{ .action = JUST,
	  .method = "POST",
	  .uri = "/auth/login",
	  .allowed = { 400 } },
	{ .action = JUST,
	  .method = "POST",
	  .uri = "/auth/login",
	  .type = FORM,
	  .allowed = { 400 } },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/logout",
	  .allowed = { 200, 303 },
	  .renews = true },
	{ .action = JUST,
	  .method = "HEAD",
	  .uri = "/auth/logout",
	  .allowed = { 200, 303 } },
	{ .action = JUST,
	  .method = "POST",
	  .uri = "/auth/logout",
	  .type = JSON,
	  .allowed = { 204 },
	  .ends = true },
	{ .action = JUST,
	  .method = "POST",
	  .uri = "/auth/logout",
	  .type = FORM,
	  .allowed = { 303, 403 },
	  .ends = true },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/refresh",
	  .allowed = { 405 } },
	{ .action = JUST,
	  .method = "POST",
	  .uri = "/auth/refresh",
	  .allowed = { 200, 400, 401 },
	  .renews = true,
	  .returns = true },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/repeat?rd=/x",
	  .allowed = { 405 } },
	{ .action = JUST,
	  .method = "POST",
	  .uri = "/auth/repeat?rd=/x",
	  .type = FORM,
	  .allowed = { 307, 401 },
	  .renews = true },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/me",
	  .allowed = { 200, 401 } },
	{ .action = JUST,
	  .method = "HEAD",
	  .uri = "/auth/me",
	  .allowed = { 200, 401 } },
	{ .action = JUST,
	  .method = "POST",
	  .uri = "/auth/me",
	  .allowed = { 405 } },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/jwks.json",
	  .allowed = { 200 } },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/health",
	  .allowed = { 200 } },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/ready",
	  .allowed = { 200 } },
	{ .action = JUST,
	  .method = "GET",
	  .uri = "/auth/none",
	  .allowed = { 404 } },
};

/* The mode of a request and the credentials that it may present. */
static const struct mode_case *mode;
static struct tokens hands[STATES]; /* the first state has none */
static const char *pre_session[STATES];
static struct session_list sessions; /* of alice and bob, before a request */

static struct tokens
login(const char *user)
{
	struct flow_answer a = flow_sign_in(&f, user, FLOW_PASSWORD, NULL);
	struct tokens t = tokens_of(&a);

	ck_assert_uint_eq(t.status, 200);
	/* There must be a value even if the mode has no refresh token. */
	if (t.refresh == NULL)
		t.refresh = flow_text(&f, "no-mode-of-this-name-%s", user);
	return t;
}

/* The credentials of a session that ended, with an expired access token. */
static void
make_dead(void)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       "REQUEST_URI=/auth/logout",
				       "CONTENT_TYPE=" JSON, NULL, NULL };
	const char *end[ARRAY_LEN(params)];

	memcpy(end, params, sizeof(end));
	hands[DEAD] = login("alice");
	end[3] =
	    flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", hands[DEAD].access);
	ck_assert_uint_eq(flow_ask(&f, false, end, NULL).status, 204);
	fake_env_advance(&f.fake, 3600);
}

static void
make_live(void)
{
	struct flow_answer page;
	int64_t n;
	struct err err;

	ck_assert_int_eq(store_revoke_all(f.conns.store, CALL_AT(NULL, 0), &n,
					  &err),
			 0);
	hands[LIVE] = login("alice");
	hands[FOREIGN] = login("bob");
	page = flow_get(&f, "/auth/login", NULL, NULL);
	pre_session[DEAD] = "dead";
	pre_session[LIVE] = flow_cookie(&f, &page, LOGIN);
	ck_assert_ptr_nonnull(pre_session[LIVE]);
	page = flow_get(&f, "/auth/login", NULL, NULL);
	pre_session[FOREIGN] = flow_cookie(&f, &page, LOGIN);
	sessions = flow_sessions(&f, NULL);
}

/* One subset of the credentials. */
struct sent {
	unsigned access, refresh, login, bearer;
};

static const char *
describe(const struct route_case *r, bool person, const struct sent *s)
{
	return flow_text(&f,
			 "mode %s, %s%s %s %s by a %s: access %u, refresh %u, "
			 "login %u, bearer %u",
			 mode->name, r->action, r->authorizer ? " *" : "",
			 r->method, r->uri, person ? "person" : "program",
			 s->access, s->refresh, s->login, s->bearer);
}

static const char *
cookies_of(const struct sent *s)
{
	return flow_text(&f, "HTTP_COOKIE=x=1%s%s%s%s%s%s",
			 s->access != NONE ?
			     flow_text(&f, "; %s=", mode->access) :
			     "",
			 s->access != NONE ? hands[s->access].access : "",
			 s->refresh != NONE ? "; " REFRESH "=" : "",
			 s->refresh != NONE ? hands[s->refresh].refresh : "",
			 s->login != NONE ? "; " LOGIN "=" : "",
			 s->login != NONE ? pre_session[s->login] : "");
}

static struct flow_answer
ask(const struct route_case *r, bool person, const struct sent *s)
{
	const char *const params[] = {
		r->action,
		flow_text(&f, "REQUEST_METHOD=%s", r->method),
		flow_text(&f, "REQUEST_URI=%s", r->uri),
		flow_text(&f, "CONTENT_TYPE=%s",
			  r->type != NULL ? r->type : ""),
		person ? "HTTP_SEC_FETCH_MODE=navigate" :
			 "HTTP_SEC_FETCH_MODE=cors",
		person ? "HTTP_SEC_FETCH_DEST=document" :
			 "HTTP_SEC_FETCH_DEST=empty",
		person ? "HTTP_ACCEPT=text/html" : "HTTP_ACCEPT=*/*",
		"HTTP_SEC_FETCH_SITE=same-origin",
		cookies_of(s),
		s->bearer != NONE ?
		    flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s",
			      hands[s->bearer].access) :
		    "HTTP_X_NOTHING_ELSE=",
		NULL
	};

	return flow_ask(&f, r->authorizer, params, NULL);
}

static bool
is_allowed(const struct route_case *r, unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(r->allowed); i++) {
		if (r->allowed[i] == status && status != 0)
			return true;
	}
	return false;
}

/* The answer must not contain a credential that was sent, or a secret. */
static void
check_secrets(const struct route_case *r, const struct flow_answer *a,
	      const struct sent *s, const char *what)
{
	/* A session token stays the same: a Bearer token may be returned. */
	const char *back =
	    r->returns && !mode->rotates ? hands[s->bearer].access : NULL;
	const char *const secret[] = {
		hands[s->access].access,
		hands[s->refresh].refresh,
		s->login > DEAD ? pre_session[s->login] : NULL,
		hands[s->bearer].access,
		"0123456789abcdef0123456789abcdef",
	};

	for (size_t i = 0; i < ARRAY_LEN(secret); i++) {
		if (secret[i] != NULL && secret[i] != back)
			ck_assert_msg(!flow_holds(a->raw, secret[i]),
				      "%s: the answer contains secret %zu",
				      what, i);
	}
}

/* Does the list have the session, and in the same generation? */
static bool
has_session(const struct session_list *list, const struct session *s,
	    bool same_generation)
{
	for (size_t i = 0; i < list->n; i++) {
		if (memcmp(&list->v[i].id, &s->id, sizeof(s->id)) == 0)
			return !same_generation ||
			       list->v[i].generation == s->generation;
	}
	return false;
}

/* Sessions may end and rotate only in routes that do this. */
static bool
check_sessions(const struct route_case *r, bool person, const char *what)
{
	const struct session_list now = flow_sessions(&f, NULL);
	bool changed = now.n != sessions.n;

	for (size_t i = 0; i < sessions.n; i++) {
		const struct session *s = &sessions.v[i];

		ck_assert_msg(r->ends || has_session(&now, s, false),
			      "%s: the request ends a session", what);
		ck_assert_msg(r->ends || has_session(&now, s, true) ||
				  (r->renews && mode->rotates &&
				   (person || strcmp(r->method, "POST") == 0)),
			      "%s: the request renews a session", what);
		changed = changed || !has_session(&now, s, true);
	}
	ck_assert_msg(now.n <= sessions.n, "%s: the request makes a session",
		      what);
	return changed;
}

/* A cookie that is cleared was invalid, or its session has ended with this
 * request. */
static void
check_cleared(const struct route_case *r, const struct flow_answer *a,
	      const struct sent *s, bool changed, const char *what)
{
	const char *access = flow_cookie(&f, a, mode->access);
	const char *refresh = flow_cookie(&f, a, REFRESH);
	bool live = s->access >= LIVE || (mode->rotates && s->refresh >= LIVE);

	if (access != NULL && access[0] == '\0') {
		ck_assert_msg(r->ends, "%s: the answer clears a cookie", what);
		ck_assert_msg(!live || changed ||
				  strcmp(mode->name, "jwt") == 0,
			      "%s: the answer clears a valid cookie", what);
	} else if (access != NULL || (refresh != NULL && refresh[0] != '\0')) {
		ck_assert_msg(r->renews && changed,
			      "%s: the answer sets cookies", what);
	}
}

static void
check_one(const struct route_case *r, bool person, const struct sent *s)
{
	const char *what = describe(r, person, s);
	struct flow_answer a = ask(r, person, s);
	bool changed;

	ck_assert_msg(is_allowed(r, a.status), "%s: the status is %u", what,
		      a.status);
	check_secrets(r, &a, s, what);
	if (strcmp(r->method, "HEAD") == 0)
		ck_assert_msg(a.body.n == 0,
			      "%s: the answer to HEAD has a body", what);
	changed = check_sessions(r, person, what);
	check_cleared(r, &a, s, changed, what);
	/* A request that passes must have a valid credential. */
	if (flow_header(&a, "Remote-User").p != NULL ||
	    flow_header(&a, "Variable-REMOTE_USER").p != NULL) {
		ck_assert_msg(s->bearer >= LIVE ||
				  (s->bearer == NONE && s->access >= LIVE),
			      "%s: the request passes", what);
	}
	if (changed)
		make_live();
}

static void
check_all(const struct route_case *r, bool person)
{
	unsigned all = STATES * STATES * STATES * STATES;

	use_mode(mode->name, "leeway = 0\n");
	make_dead();
	make_live();
	for (unsigned i = 0; i < all; i++) {
		const struct sent s = { .access = i % STATES,
					.refresh = i / STATES % STATES,
					.login = i / STATES / STATES % STATES,
					.bearer =
					    i / STATES / STATES / STATES };

		check_one(r, person, &s);
	}
}

START_TEST(properties_hold_for_every_subset)
{
	mode = &modes[_i % (int)ARRAY_LEN(modes)];
	check_all(&routes[_i / (int)ARRAY_LEN(modes)], false);
	check_all(&routes[_i / (int)ARRAY_LEN(modes)], true);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("subsets");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, properties_hold_for_every_subset, 0,
			    ARRAY_LEN(routes) * ARRAY_LEN(modes));
	return run_case(t);
}
